/** Roots that gave way to another one: they stay while boards may run on them. */
import fs from 'node:fs';
import path from 'node:path';
import { check } from '../system/file-error.ts';
import { CName, renameEntry } from '../system/files.ts';
import { identityOf } from './identity.ts';
import type { Mounts } from './mounts.ts';
import { removal } from './remove-tree.ts';
import type { Roots } from './roots.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
const DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

/** Without a request for so long, no board runs on a root any more. */
const MAX_AGE_MS = 7 * 24 * 3600 * 1000;

export interface ReplacedRoot {
  /** What users call `@number`. */
  readonly number: number;
  readonly path: string;
  /** identity.ts */
  readonly identity: string;
  /** When it gave way, or when its top directory was changed since. */
  readonly replacedAt: Date;
}

/** @returns undefined if it is no directory or is gone: uploads may have any name, and several processes remove roots */
function ifDirectory<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function rootAt(replaced: string, number: number): ReplacedRoot {
  const directory = path.join(replaced, String(number));
  const fd = fs.openSync(directory, DIRECTORY);
  try {
    return { number, path: directory, identity: identityOf(fd), replacedAt: fs.fstatSync(fd).ctime };
  } finally {
    fs.closeSync(fd);
  }
}

/** By number, without trees that are being made. */
export function replacedRoots({ replaced }: Roots): ReplacedRoot[] {
  const entries = new Set(ifDirectory(() => fs.readdirSync(replaced)));
  const numbers = [...entries].filter((entry) => /^\d+$/.test(entry) && !entries.has(`${entry}.new`));
  return numbers
    .map(Number)
    .sort((a, b) => a - b)
    .flatMap((number) => ifDirectory(() => rootAt(replaced, number)) ?? []);
}

/** Those that no client runs on. @param now in the clock that `mounts` is by; 0 for no matter how long ago */
export function unusedRoots(roots: Roots, mounts: Mounts, now = Date.now()): ReplacedRoot[] {
  return replacedRoots(roots).filter(({ identity, replacedAt }) => {
    const uses = Object.values(mounts).flat();
    const requests = uses.flatMap(({ root, at }) => (root === identity ? [at] : []));
    const latest = Math.max(replacedAt.getTime(), ...requests.map(Date.parse));
    return requests.length === 0 || now - latest > MAX_AGE_MS;
  });
}

/** What a root is called while it is removed, so that nobody takes a half for a whole. */
export const GOING = '.gone';

function* removeAndClose(fd: number, name: string): Generator<void> {
  try {
    yield* removal(fd, name);
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Takes a root away from its users at once, under the exclusive lock, and removes it step by step, as in remove-tree.ts,
 * which needs the lock no more.
 *
 * @throws FileError
 */
export function removalOfReplaced({ replaced }: Roots, number: number): Generator<void> {
  const fd = fs.openSync(replaced, DIRECTORY);
  const going = `${number}${GOING}`;
  const result = renameEntry(fd, new CName().latin1(String(number)), fd, new CName().latin1(going));
  if (result < 0) fs.closeSync(fd);
  check(result);
  return removeAndClose(fd, going);
}

export function removeReplaced(roots: Roots, number: number): void {
  for (const _ of removalOfReplaced(roots, number));
}
