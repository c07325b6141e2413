/**
 * Copies a tree by the system's cp: blocks are shared copy-on-write where the file system can do that (reflink), and
 * copied elsewhere. Nothing is ever linked, so the two trees share no data that can be written.
 */
import { spawnSync } from 'node:child_process';
import { confine, landlockAbi, type Rule } from '../system/landlock.ts';
import { shownPath } from './entries.ts';
import { RootError } from './errors.ts';

/**
 * All but the real owner, which is the account's for each file. Not -a: it passes over attributes that the file system
 * refuses. A hole stays one, and a real FIFO or socket of a hand-made tree is made anew; a real device ends the copy.
 */
const OPTIONS = ['-dR', '--preserve=mode,timestamps,links,xattr', '--reflink=auto', '-T'];

/** What setpriv and cp read before they do anything. */
const SYSTEM: readonly Rule[] = [
  ...['/usr', '/bin', '/lib', '/lib64'].map((path) => ({ path, access: 'execute' }) as const),
  ...['/etc/ld.so.cache', '/etc/ld.so.preload', '/etc/xattr.conf'].map(
    (path) => ({ path, access: 'read' }) as const,
  ),
  { path: '/dev/null', access: 'files' },
];

/** Who has too many files that cannot be copied need not read about all of them. Bytes. */
const MAX_WORDS = 64 * 1024;

/** What cp said first, with paths from the tree's top; or what ended it. */
function reason(stderr: string, signal: string | null, error: Error | undefined): string {
  const [line] = stderr.split('\n');
  if (line) {
    const words = line.replace(/^\S*cp: /, '').replaceAll(/(?<=')(\/proc\/self\/fd\/3\/)?\.\//g, '');
    return words.replaceAll(/(?<=')[^']{200,}(?=')/g, shownPath);
  }
  return error?.message ?? `cp was ended by ${signal ?? 'something'}`;
}

/**
 * Confines this process, for what it has to do besides, and cp; once for the rest of its life.
 *
 * @param rules the trees, and what else this process will open
 */
export function confineCopy(rules: readonly Rule[]): void {
  const abi = landlockAbi();
  if (abi > 0) confine([...SYSTEM, ...rules], abi);
}

/**
 * Fills the empty directory `to` with what is in the directory `from`, and makes it like that.
 *
 * @param lock a descriptor that cp keeps open, so that a lock ends with the last of us
 * @throws RootError with the first thing that went wrong
 */
export function copyTree(from: number, to: number, lock: number): void {
  const words = ['--pdeathsig', 'KILL', '--', '/usr/bin/cp', ...OPTIONS];
  const { status, signal, stderr, error } = spawnSync(
    '/usr/bin/setpriv',
    [...words, '.', '/proc/self/fd/3/.'],
    {
      cwd: `/proc/self/fd/${from}`,
      env: { LC_ALL: 'C' },
      stdio: ['ignore', 'ignore', 'pipe', to, lock],
      encoding: 'utf8',
      maxBuffer: MAX_WORDS,
    },
  );
  if (status === 0) return;
  throw new RootError(`Cannot copy: ${reason(stderr ?? '', signal, error)}`, 1, { cause: error });
}
