/** What memory knows of a file. It may be forgotten and found again at any time. */

import type { Owner } from '../../rootfs/owner.ts';
import { S_IFMT, type Timespec } from '../../system/files.ts';
import type { Stat } from '../../system/statx.ts';
import { type Generation, isSameGeneration } from './handle.ts';

/** A descriptor of a regular file or a directory. */
export interface Descriptor {
  readonly fd: number;
  readonly writable: boolean;
  /** Operations that wait for the disk: not to be closed meanwhile. */
  pins: number;
  /** Count of uses of all descriptors, at its last use. */
  usedAt: number;
}

/** Where memory has a file. */
export interface Place {
  readonly directory: Inode;
  /** Bytes as latin1 characters: a string is their smallest form. */
  readonly name: string;
}

export class Inode {
  readonly ino: number;
  readonly isDirectory: boolean;
  /** S_IFMT bits of the real file, which it keeps for life; undefined until it is looked at. */
  format: number | undefined;
  /** undefined for the base of the tree. */
  parent: Inode | undefined;
  /** Its name there, as latin1 characters; empty for the base, and where all names that memory had went. */
  name: string;
  /** Where else a file was seen, which may have several names. */
  other: Place | undefined;
  /** undefined until it is looked at. */
  generation: Generation | undefined;
  /** Valid while the file's ctime is `settled`. undefined: no attribute. */
  owner: Owner | undefined;
  descriptor: Descriptor | undefined;
  /** Bytes written by us that were not flushed since. */
  unflushed = 0;
  /** Blocks of 512 bytes that its tree was charged for (quota.ts); undefined before the first look. */
  charged: number | undefined;
  private settled: Timespec | undefined;

  constructor(ino: number, isDirectory: boolean, parent: Inode | undefined, name: string) {
    this.ino = ino;
    this.isDirectory = isDirectory;
    this.parent = parent;
    this.name = name;
  }

  /** Whether memory has it in this place. @param length of the name */
  isAt(directory: Inode, name: Buffer, length: number): boolean {
    if (this.parent !== directory || this.name.length !== length) return false;
    for (let index = 0; index < length; index += 1) {
      if (this.name.charCodeAt(index) !== name[index]) return false;
    }
    return true;
  }

  /** Whether it is the file with this generation, which was read from the disk: the first one is taken as its own. */
  isOf(generation: Generation): boolean {
    this.generation ??= generation;
    return isSameGeneration(this.generation, generation);
  }

  /** Whether this file, generation and owner included, is still the one that was looked at. */
  isUnchanged({ ctime }: Stat): boolean {
    const { settled } = this;
    return (
      settled !== undefined && settled.nanoseconds === ctime.nanoseconds && settled.seconds === ctime.seconds
    );
  }

  /**
   * Remembers what was just read. Whatever happens to the file from now on changes its ctime, also that its number
   * is used again, provided that the ctime is older than the clock's tick.
   *
   * @param tickMs 0 where every change has a ctime of its own
   */
  settle({ ctime, mode }: Stat, tickMs: number): void {
    this.format = mode & S_IFMT;
    const isOld = tickMs === 0 || Date.now() - (ctime.seconds * 1000 + ctime.nanoseconds / 1e6) >= tickMs;
    this.settled = isOld ? ctime : undefined;
  }

  /** What was read is no longer to be trusted. */
  unsettle(): void {
    this.settled = undefined;
  }
}
