/**
 * The server confined by Landlock: it opens files of its tree, and what Node needs. Landlock binds the thread that asks
 * for it and those made later, so the program replaces itself afterwards: every thread is born confined.
 */
import fs from 'node:fs';
import path from 'node:path';
import { findUnattributed } from '../rootfs/unattributed.ts';
import { CONFINED_ENVIRONMENT, programRules, rulesFor } from '../system/confined-node.ts';
import { confine, landlockAbi, type Rule } from '../system/landlock.ts';
import { leaseDirectory } from '../system/lease.ts';
import { passedSockets } from '../system/notify.ts';
import { replaceProcess } from '../system/process.ts';
import { ExitCode, StartError } from '../system/start-error.ts';
import { openLockTable } from './lease.ts';
import type { Options } from './options.ts';
import { stageProgram } from './stage.ts';

/**
 * SIGUSR1 would open Node's debugger before our handler is there; so it waits until then. A small young generation
 * (MiB) costs a few percent of the smallest calls, since buffers live outside of it, and saves 7 MiB; an old one that is
 * collected from 8 MiB on saves another 8 after many changes.
 */
const NODE_OPTIONS = [
  '--disable-sigusr1',
  '--max-semi-space-size=1',
  '--initial-old-space-size=8',
  '--expose-gc',
];

/** What getaddrinfo(3) reads. */
const NAME_SERVICE = [
  ...['/etc/resolv.conf', '/etc/hosts', '/etc/host.conf', '/etc/nsswitch.conf', '/etc/gai.conf'],
  '/etc/services',
];

function serverRules({ base, portFile, board }: Options): Rule[] {
  return [
    { path: base, access: 'serve' },
    ...(portFile === undefined ? [] : rulesFor('files', [path.dirname(portFile)])),
    ...(board === undefined ? [] : rulesFor('read', [leaseDirectory(board)])),
    ...programRules(),
    ...rulesFor('read', NAME_SERVICE),
    // Part of the write verifier.
    ...rulesFor('read', ['/proc/sys/kernel/random/boot_id']),
  ];
}

function checkDirectory(name: string): void {
  const refuse = (why: string, cause?: unknown) => {
    throw new StartError(`${name}: ${why}`, ExitCode.configuration, { cause });
  };
  try {
    if (!fs.statSync(name).isDirectory()) refuse('not a directory');
    fs.accessSync(name, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') refuse('no such directory', error);
    if (code === 'EACCES') refuse('not readable and writable for this account', error);
    if (code === 'EROFS') refuse('on a read-only file system', error);
    throw error;
  }
}

function checkDirectories({ exportPath, base }: Options): void {
  const real = (name: string) => fs.realpathSync(name);
  for (const name of new Set([base, exportPath])) checkDirectory(name);
  if (!`${real(exportPath)}/`.startsWith(`${real(base)}/`.replace('//', '/'))) {
    throw new StartError(`${exportPath}: not in ${base}`, ExitCode.configuration);
  }
}

/**
 * Checks, confines and replaces this process.
 *
 * @throws StartError (78) where the directory cannot be served
 */
export function serveConfined(options: Options): never {
  checkDirectories(options);
  if (options.portFile !== undefined) fs.mkdirSync(path.dirname(options.portFile), { recursive: true });
  const unattributed = findUnattributed();
  const sockets = passedSockets(process.env);
  const statm = fs.openSync('/proc/self/statm', 'r');
  const lockTable = options.board === undefined ? undefined : openLockTable(options.board);
  const landlock = landlockAbi();
  if (landlock > 0) confine(serverRules(options), landlock);
  const stage = {
    stage: 'serve',
    options,
    landlock,
    unattributed,
    statm,
    ...(lockTable && { lockTable }),
  } as const;
  const program = stageProgram(stage, NODE_OPTIONS);
  const env = { ...program.env, ...CONFINED_ENVIRONMENT };
  const args = [program.file, ...program.args];
  return replaceProcess({ ...program, args, env }, [
    statm,
    ...(lockTable ? [lockTable.fd] : []),
    ...sockets.map(({ fd }) => fd),
  ]);
}
