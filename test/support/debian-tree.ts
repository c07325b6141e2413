/** Debian's base system as a tree of files: as scripts/systemd-tree.sh makes it once, and as a board's root. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { findPrograms } from './guest-tools.ts';

const REPOSITORY = path.resolve(import.meta.dirname, '../..');
/** For what tests keep from one run to the next; no tmpfs, as /tmp may be. */
export const CACHE = path.join(REPOSITORY, '.cache');
/** For making the tree, from the network. */
export const DEBIAN_MS = 900_000;
/** With the oldest systemd that is supported: 252. */
const OLDEST = 'bookworm';

/** What comes before a command to make it root's. */
export const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];

function runAsRoot(argv: readonly string[]): void {
  const [file = '', ...args] = [...asRoot, ...argv];
  execFileSync(file, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/**
 * @param suite the Debian release
 * @returns its tree, which nobody changes
 */
export function debianTree(suite = process.env.NOVABOOT_DEBIAN || OLDEST): string {
  fs.mkdirSync(CACHE, { recursive: true });
  runAsRoot(['sh', path.join(REPOSITORY, 'scripts/systemd-tree.sh'), suite]);
  return path.join(CACHE, `systemd-${suite}`);
}

/**
 * Makes what a user uploads for a board: Debian, and beneath /srv/special every kind of file. The password of its root
 * is "board".
 *
 * @param account a uid that the server has for its own
 */
export function makeBoardTree(directory: string, account: number): void {
  findPrograms(['debootstrap', 'setfacl', 'setcap', 'setfattr', 'getfattr', 'dpkg-deb']);
  const script = path.join(import.meta.dirname, 'debian-tree.sh');
  const parameters = [debianTree(OLDEST), directory, String(account)];
  runAsRoot(['env', `NODE=${process.execPath}`, 'sh', script, ...parameters]);
}
