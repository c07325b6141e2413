/**
 * The directories of a tree that is filled; those used last are open. Entries change the times of their directory, so each
 * gets the time that it is to have when it is closed. One that is opened again has it already, and keeps it.
 */
import fs from 'node:fs';
import { check, expect } from '../system/file-error.ts';
import { closeDescriptor, makeDirectory, setDescriptorTimes, type Timespec } from '../system/files.ts';
import { openEntry } from '../system/openat2.ts';
import { statDescriptor } from '../system/statx.ts';
import { TarError } from '../tar/entry.ts';
import { shown } from '../tar/shown.ts';
import type { Allowance } from './allowance.ts';
import { FileType } from './file-type.ts';
import { type Ids, isPlain, type Owner, realMode } from './owner.ts';
import { writeAttribute } from './ownership.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
const DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
const ENOENT = -2;
const EEXIST = -17;
const ENOTDIR = -20;

/** Of a directory that the archive says nothing about. */
const IMPLIED: Owner = { type: FileType.directory, mode: 0o755, uid: 0, gid: 0, major: 0, minor: 0 };

/** Enough for what is packed directory by directory. */
const MAX_OPEN = 256;

export interface OpenDirectory {
  readonly fd: number;
  /** The time of its last change that it is to have; undefined for that of its last entry. */
  mtime: Timespec | undefined;
  /** Entries were made since it had that. */
  changed: boolean;
}

function putTime({ fd, mtime, changed }: OpenDirectory): void {
  if (changed && mtime !== undefined) check(setDescriptorTimes(fd, undefined, mtime));
}

interface Tree {
  /** Its top directory, which stays open. */
  readonly fd: number;
  readonly unattributed: Ids;
  readonly allowance: Allowance;
}

/** Paths have bytes as latin1 characters, names a NUL behind them. */
export class OpenDirectories {
  readonly top: OpenDirectory;
  private readonly tree: Tree;
  /** By path; the one that was not used for longest first. */
  private readonly open = new Map<string, OpenDirectory>();

  /** @throws FileError, RootError */
  constructor(tree: Tree) {
    this.tree = tree;
    this.top = { fd: tree.fd, mtime: undefined, changed: false };
    this.describeNew(tree.fd, IMPLIED);
  }

  /** @returns undefined if there is nothing, or no directory @throws FileError */
  find(path: string): OpenDirectory | undefined {
    if (path === '') return this.top;
    const known = this.open.get(path);
    if (known !== undefined) {
      this.open.delete(path);
      this.open.set(path, known);
      return known;
    }
    const fd = openEntry(this.top.fd, Buffer.from(`${path}\0`, 'latin1'), DIRECTORY);
    if (fd === ENOENT || fd === ENOTDIR) return undefined;
    return this.add(path, check(fd), expect(statDescriptor(fd)).mtime, false);
  }

  /**
   * Finds a directory, or makes it with those above that the archive does not have.
   *
   * @throws TarError where a file is in the way; FileError, RootError
   */
  need(path: string): OpenDirectory {
    const there = this.find(path);
    if (there !== undefined) return there;
    const slash = path.lastIndexOf('/');
    const above = this.need(path.slice(0, Math.max(slash, 0)));
    const made = this.make(above, path, Buffer.from(`${path.slice(slash + 1)}\0`, 'latin1'), IMPLIED);
    if (made !== undefined) return made;
    const obstacle = shown(Buffer.from(path, 'latin1'));
    throw new TarError(`it lies beneath ${obstacle}, which is no directory in this archive`);
  }

  /** @returns undefined if the name exists @throws FileError, RootError */
  make(
    parent: OpenDirectory,
    path: string,
    name: Buffer,
    owner: Owner,
    mtime?: Timespec,
  ): OpenDirectory | undefined {
    const made = makeDirectory(parent.fd, name, realMode(owner));
    if (made === EEXIST) return undefined;
    check(made);
    parent.changed = true;
    const fd = check(openEntry(parent.fd, name, DIRECTORY));
    const directory = this.add(path, fd, mtime, true);
    this.describeNew(fd, owner);
    return directory;
  }

  private describeNew(fd: number, owner: Owner): void {
    this.tree.allowance.directory();
    if (!isPlain(owner, this.tree.unattributed)) writeAttribute(fd, owner);
  }

  private add(path: string, fd: number, mtime: Timespec | undefined, changed: boolean): OpenDirectory {
    const directory = { fd, mtime, changed };
    this.open.set(path, directory);
    if (this.open.size > MAX_OPEN) {
      const [oldest = ''] = this.open.keys();
      this.close(oldest, putTime);
    }
    return directory;
  }

  /** It was removed. */
  forget(path: string): void {
    if (this.open.has(path)) this.close(path, () => {});
  }

  /** The tree is complete. @throws FileError */
  finish(): void {
    for (const path of [...this.open.keys()]) this.close(path, putTime);
    putTime(this.top);
  }

  /** Closes all but the top, after a failure. */
  discard(): void {
    for (const path of [...this.open.keys()]) this.forget(path);
  }

  private close(path: string, last: (directory: OpenDirectory) => void): void {
    const directory = this.open.get(path) as OpenDirectory;
    this.open.delete(path);
    try {
      last(directory);
    } finally {
      closeDescriptor(directory.fd);
    }
  }
}
