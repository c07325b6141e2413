/** What a board with Debian tells of its files, and what it does to them by itself. */
import fs from 'node:fs';
import path from 'node:path';

/** A script: what the test changes on a board. */
export const CHANGES = fs.readFileSync(path.join(import.meta.dirname, 'board-changes.sh'), 'utf8');

/** A script: what a board and this machine can both tell of a tree, words that end with NUL and hold ` ./PATH`. */
export const TELL = `cd /
find . -xdev ! -type d -printf '%y %m %U:%G %n %s %T@ %p -> %l\\0'
find . -xdev -type d -printf '%y %m %U:%G %n %T@ %p -> \\0'
find ./etc ./usr/bin ./usr/sbin -type f -exec sha256sum -z {} +`;
/** What Debian itself changes when it boots and somebody logs in. */
export const BOOTED: Readonly<Record<string, string>> = {
  root: 'mtime',
  'root/.bash_history': 'new',
  'tmp/.ICE-unix': 'new',
  'tmp/.X11-unix': 'new',
  'tmp/.XIM-unix': 'new',
  'tmp/.font-unix': 'new',
  'var/lib/systemd': 'mtime',
  'var/lib/systemd/linger': 'new',
  'var/lib/systemd/random-seed': 'new',
  'var/log/dpkg.log': 'content',
  'var/log/journal': 'mtime',
  'var/log/journal/0123456789abcdef0123456789abcdef': 'new',
  'var/log/journal/0123456789abcdef0123456789abcdef/system.journal': 'new',
  'var/log/lastlog': 'size content mtime',
  'var/log/wtmp': 'size content mtime',
  'var/tmp': 'mtime',
};
/** Mounted on a board, or its own while it runs; and a time that NFSv3 has no number for. */
const OTHER_ON_BOARD = /^((dev|proc|run|sys|tmp|var\/tmp)(\/|$)|root\/told$|srv\/special\/times\/1960-)/;

/** What TELL prints of files that nobody has changed. */
export function told(output: string): string[] {
  const isSame = (word: string) => {
    const [, name = ''] = / \.\/?([\s\S]*?)(?: -> |$)/.exec(word) ?? [];
    return !OTHER_ON_BOARD.test(name) && BOOTED[name] === undefined;
  };
  return output.split('\0').filter(isSame).sort();
}
