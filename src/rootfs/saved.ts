/**
 * Saved roots: whole copies by name, which nothing changes. One is made, and goes, under a name that begins with a dot,
 * so that what has a name is whole.
 */
import fs from 'node:fs';
import { check } from '../system/file-error.ts';
import { CName, renameEntry, syncFileSystem } from '../system/files.ts';
import { copyTree } from './copy-tree.ts';
import { RootError } from './errors.ts';
import { removeTree } from './remove-tree.ts';
import type { Roots } from './roots.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
const DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
/** The name of a copy that has none yet. */
export const UNNAMED = '.new';
const GOING = '.gone';

/** Names in their order. */
export function savedNames({ saved }: Roots): string[] {
  if (!fs.existsSync(saved)) return [];
  const names = fs.readdirSync(saved).filter((name) => !name.startsWith('.'));
  return names.sort((a, b) => (a < b ? -1 : 1));
}

/**
 * The directory of saved roots, made if it is missing, without what a run that was ended left in it. Under the exclusive
 * lock.
 */
export function openSaved({ saved }: Roots): number {
  fs.mkdirSync(saved, { recursive: true, mode: 0o700 });
  const fd = fs.openSync(saved, DIRECTORY);
  for (const name of [UNNAMED, GOING]) removeTree(fd, name);
  return fd;
}

/** An entry of an open directory. */
function entry(fd: number, name: string): string {
  return `/proc/self/fd/${fd}/${name}`;
}

function rename(fd: number, from: string, to: string): void {
  check(renameEntry(fd, new CName().latin1(from), fd, new CName().latin1(to)));
  fs.fsyncSync(fd);
}

/** @param saved from openSaved() @throws RootError */
export function checkUnused(saved: number, name: string): void {
  if (fs.lstatSync(entry(saved, name), { throwIfNoEntry: false }) === undefined) return;
  throw new RootError(`There is a saved root ${name} already; "root remove ${name}" removes it`);
}

/**
 * Copies a root, under the exclusive lock; keepCopy() is to follow.
 *
 * @param saved from openSaved()
 * @param source the directory to copy
 * @param lock the lock's descriptor
 * @returns the copy, opened @throws RootError
 */
export function copyRoot(saved: number, source: number, lock: number): number {
  fs.mkdirSync(entry(saved, UNNAMED), { mode: 0o700 });
  const copy = fs.openSync(entry(saved, UNNAMED), DIRECTORY);
  try {
    copyTree(source, copy, lock);
    return copy;
  } catch (error) {
    fs.closeSync(copy);
    removeTree(saved, UNNAMED);
    throw error;
  }
}

/** Gives the copy its name, as soon as it is on disk. */
export function keepCopy(saved: number, copy: number, name: string): void {
  check(syncFileSystem(copy));
  fs.closeSync(copy);
  rename(saved, UNNAMED, name);
}

/** @param saved from openSaved() */
export function removeSaved(saved: number, name: string): void {
  rename(saved, name, GOING);
  removeTree(saved, GOING);
}
