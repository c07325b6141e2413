/** Makes the user's root file system anew from an archive. */
import fs from 'node:fs';
import path from 'node:path';
import tty from 'node:tty';
import { findUnattributed } from '../rootfs/unattributed.ts';
import type { Session } from '../shell/command.ts';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { makeDirectories, nfsConfigFile } from '../shell/nfs-place.ts';
import { type OwnRoots, ownRoots } from '../shell/own-roots.ts';
import { rootProgram } from '../shell/root-program.ts';
import { SYSTEM } from '../shell/rsync-server.ts';
import { confine, landlockAbi, type Rule } from '../system/landlock.ts';
import type { Program } from '../system/process.ts';
import { programFiles } from '../system/program-files.ts';
import { openUpload } from './untar/input.ts';
import type { Order } from './untar/unpack.ts';

function parse(args: readonly string[]): Pick<Order, 'file' | 'verbose'> {
  const verbose = args[0] === '-v';
  const [file, ...others] = verbose ? args.slice(1) : args;
  if (file === undefined || others.length > 0 || (file.startsWith('-') && file !== '-')) {
    throw new CommandError('Usage: untar [-v] FILE, untar [-v] -', ExitCode.usage);
  }
  return { file: file === '-' ? undefined : file, verbose };
}

/**
 * An archive comes from anybody, and so does what xz and bzip2 unpack. What the kernel has to say about other processes is
 * closed to a confined one (ptrace(2)) where it matters.
 */
function rules(home: string, { place, roots }: OwnRoots): Rule[] {
  return [
    ...SYSTEM,
    { path: roots.base, access: 'serve' },
    { path: path.dirname(place.usageFile), access: 'files' },
    { path: process.execPath, access: 'execute' },
    ...[roots.saved, nfsConfigFile(home), ...programFiles(process.argv[1] ?? ''), '/proc'].map(
      (name) => ({ path: name, access: 'read' }) as const,
    ),
  ];
}

export function prepare(session: Session, args: readonly string[]): () => Program {
  const { file, verbose } = parse(args);
  const own = ownRoots(session, 'untar');
  // Before anybody waits for the board.
  if (file !== undefined) fs.closeSync(openUpload(own.roots.base, file));
  else if (tty.isatty(0)) {
    throw new CommandError('Standard input is a terminal: ssh BOARD untar - <ARCHIVE', ExitCode.usage);
  }
  return () => {
    makeDirectories(own.place);
    const order: Order = { file, verbose, unattributed: findUnattributed() };
    const program = rootProgram(['untar', JSON.stringify(order)], session);
    const abi = landlockAbi();
    if (abi > 0) confine(rules(session.home, own), abi);
    return program;
  };
}
