/**
 * The server side of an rsync connection without sshd: runs the command's prepare and start, and becomes rsync, by way
 * of LOCK_SCRIPT unless that command goes without, as the login shell does.
 *
 * Arguments: a JSON object (ServerSettings), then the words after `rsync` that the client sent.
 */
import fs from 'node:fs';
import path from 'node:path';
import { rsyncCommand } from '../../src/commands/rsync.ts';
import { rsyncNfsrootCommand } from '../../src/commands/rsync-nfsroot.ts';
import { RootError } from '../../src/rootfs/errors.ts';
import { findUnattributed } from '../../src/rootfs/unattributed.ts';
import type { Session } from '../../src/shell/command.ts';
import { CommandError } from '../../src/shell/errors.ts';
import type { Host } from '../../src/shell/rsync-server.ts';
import { LOCK_SCRIPT } from '../../src/shell/scripts.ts';
import { passOn } from '../../src/system/descriptors.ts';
import { landlockAbi } from '../../src/system/landlock.ts';
import { define } from '../../src/system/libc.ts';
import { replaceProcess } from '../../src/system/process.ts';

const PR_SET_DUMPABLE = 4;

/** What the client gives as --rsync-path. */
export type CommandName = 'rsync' | 'rsync-nfsroot';

export interface ServerSettings {
  readonly home: string;
  readonly command: CommandName;
  /** Default: bob; null for a key without a name. */
  readonly user?: string | null;
  /** Who the server runs as, if not as who starts it. */
  readonly account?: number;
  readonly rsync?: string;
  /** 0 takes Landlock away. */
  readonly abi?: number;
  /** false takes user namespaces away. */
  readonly userNamespaces?: boolean;
  /** Removed from what the client sent: what a client of an attacker would not send. */
  readonly drop?: readonly string[];
}

const settings = JSON.parse(process.argv[2] ?? '{}') as ServerSettings;
// Only now: the account may be unable to read this repository. What lies in /proc is the account's if it is dumpable.
if (settings.account !== undefined) {
  process.setgroups?.([]);
  process.setgid?.(settings.account);
  process.setuid?.(settings.account);
  define<[option: number, value: number]>('int prctl(int option, unsigned long value)')(PR_SET_DUMPABLE, 1);
}
const words = process.argv.slice(3).filter((word) => !settings.drop?.includes(word));
// Where other programs of ours lie.
process.argv[1] = path.resolve(import.meta.dirname, '../../bin/novaboot-shell.ts');
const session: Session = {
  user: settings.user === null ? undefined : (settings.user ?? 'bob'),
  admin: false,
  home: settings.home,
  lockDirectory: settings.home,
  configPath: `${settings.home}/.novaboot-shell`,
  parent: process.ppid,
  softFileLimit: undefined,
  env: { PATH: '/usr/bin:/bin', HOME: settings.home, NB_USER: 'bob' },
};
const host: Host = {
  rsync: settings.rsync ?? '/usr/bin/rsync',
  landlockAbi: () => settings.abi ?? landlockAbi(),
  warn: (message) => process.stderr.write(`LOG: ${message}\n`),
};
const unattributed = () => (settings.userNamespaces === false ? 'account' : findUnattributed());
const command = settings.command === 'rsync' ? rsyncCommand(host) : rsyncNfsrootCommand(host, unattributed);
try {
  const journal = fs.openSync('/dev/null', 'w');
  const start = command.prepare(session, words);
  const program = await start();
  if (command.alone) replaceProcess(program, []);
  passOn(journal, 7);
  passOn(journal, 9);
  const parameters = ['', '', '{', program.file, ...program.args.slice(1)];
  const args = ['sh', '-c', LOCK_SCRIPT, 'sh', ...parameters];
  replaceProcess({ file: '/bin/sh', args, env: program.env }, [7, 9]);
} catch (error) {
  if (!(error instanceof CommandError || error instanceof RootError)) throw error;
  process.stderr.write(`novaboot-shell: ${error.message}\n`);
  process.exitCode = error.exitCode;
}
