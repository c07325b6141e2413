/**
 * Removes a directory with all in it, by directory descriptors and single names: never through a symbolic link, however
 * deep, and also while others still change it or remove it as well.
 */
import fs from 'node:fs';
import { check, FileError, refuse } from '../system/file-error.ts';
import {
  AT_REMOVEDIR,
  CName,
  changeMode,
  renameEntry,
  S_IFDIR,
  S_IFMT,
  unlinkEntry,
} from '../system/files.ts';
import { type Entry, Listing } from '../system/listing.ts';
import { O_PATH, openEntry } from '../system/openat2.ts';
import { statEntry } from '../system/statx.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
const ENOENT = -2;
const EACCES = -13;
const EEXIST = -17;
const ENOTDIR = -20;
const ENOTEMPTY = -39;

const DOT = Buffer.from('.');
const DOT_DOT = Buffer.from('..');

/** Directories below this level move to the top first: so many descriptors are enough for any depth. */
const MAX_LEVEL = 48;

/** A directory that the account made without permissions for itself. @throws FileError for one of somebody else's */
function unlock(dirFd: number, name: Buffer): void {
  const fd = openEntry(dirFd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (fd === ENOENT) return;
  check(fd);
  try {
    fs.chmodSync(`/proc/self/fd/${fd}`, 0o700);
  } catch (error) {
    refuse((error as NodeJS.ErrnoException).code ?? 'EIO');
  } finally {
    fs.closeSync(fd);
  }
}

/** @returns a descriptor, or a negative errno */
function openDirectory(dirFd: number, name: Buffer): number {
  const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
  const fd = openEntry(dirFd, name, flags);
  if (fd !== EACCES) return fd;
  unlock(dirFd, name);
  return openEntry(dirFd, name, flags);
}

function unlink(dirFd: number, name: Buffer, flags = 0): number {
  const result = unlinkEntry(dirFd, name, flags);
  if (result !== EACCES) return result;
  check(changeMode(dirFd, 0o700));
  return unlinkEntry(dirFd, name, flags);
}

function isDirectory(dirFd: number, { name, isDirectory: known }: Entry): boolean {
  if (known !== undefined) return known;
  const stat = statEntry(dirFd, name);
  return typeof stat !== 'number' && (stat.mode & S_IFMT) === S_IFDIR;
}

/** Somebody else was faster. */
function ignoreMissing(result: number): void {
  if (result !== ENOENT) check(result);
}

/** @returns undefined at the end, also of a directory that somebody else has removed */
function nextEntry(listing: Listing): Entry | undefined {
  try {
    return listing.next();
  } catch (error) {
    if (error instanceof FileError && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

class Removal {
  private readonly top: number;
  private readonly cname = new CName();
  private moved = 0;

  constructor(top: number) {
    this.top = top;
  }

  /** Goes through a directory once. What others add meanwhile may stay. */
  *empty(fd: number, level: number): Generator<void> {
    const listing = new Listing(fd);
    for (let entry = nextEntry(listing); entry !== undefined; entry = nextEntry(listing)) {
      const { name } = entry;
      if (name.equals(DOT) || name.equals(DOT_DOT)) continue;
      if (!isDirectory(fd, entry)) ignoreMissing(unlink(fd, name));
      else if (unlink(fd, name, AT_REMOVEDIR) < 0) {
        if (level === MAX_LEVEL) this.moveUp(fd, name);
        else yield* this.remove(fd, name, level + 1);
      }
      yield;
    }
  }

  private *remove(dirFd: number, name: Buffer, level: number): Generator<void> {
    const fd = openDirectory(dirFd, name);
    if (fd === ENOENT || fd === ENOTDIR) return;
    check(fd);
    try {
      yield* this.empty(fd, level);
    } finally {
      fs.closeSync(fd);
    }
    // What was moved up from it, or what others put into it, is seen by the next pass.
    const result = unlink(dirFd, name, AT_REMOVEDIR);
    if (result !== ENOTEMPTY) ignoreMissing(result);
  }

  private moveUp(dirFd: number, name: Buffer): void {
    for (;;) {
      this.moved += 1;
      const to = this.cname.latin1(`deep-${this.moved}`);
      let result = renameEntry(dirFd, name, this.top, to);
      if (result === EACCES) {
        // A directory's own entry `..` changes.
        unlock(dirFd, name);
        check(changeMode(dirFd, 0o700));
        result = renameEntry(dirFd, name, this.top, to);
      }
      if (result === EEXIST || result === ENOTEMPTY || result === ENOTDIR) continue;
      ignoreMissing(result);
      return;
    }
  }
}

/** Passes after which somebody must be adding to it as fast as we remove. */
const MAX_PASSES = 10_000;

/**
 * Removes step by step, for who has other things to do meanwhile: each step is a few system calls.
 *
 * @param name an entry of the directory `parentFd`; nothing happens if there is none
 * @throws FileError
 */
export function* removal(parentFd: number, name: string): Generator<void> {
  const cname = new CName().bytes(Buffer.from(name));
  const fd = openDirectory(parentFd, cname);
  if (fd === ENOENT) return;
  check(fd);
  try {
    const run = new Removal(fd);
    for (let pass = 1; ; pass += 1) {
      yield* run.empty(fd, 1);
      const result = unlink(parentFd, cname, AT_REMOVEDIR);
      if (result !== ENOTEMPTY || pass === MAX_PASSES) return ignoreMissing(result);
    }
  } finally {
    fs.closeSync(fd);
  }
}

/** Removes all at once. @throws FileError */
export function removeTree(parentFd: number, name: string): void {
  for (const _ of removal(parentFd, name));
}
