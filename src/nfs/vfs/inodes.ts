/**
 * The inodes that memory has, by their numbers. Directories stay; of files beyond a bound only the directories that they
 * are in are kept, which is enough to find them again.
 */
import type { Listing } from '../../system/listing.ts';
import type { Descriptors } from './descriptors.ts';
import type { Generation } from './handle.ts';
import { Inode } from './inode.ts';
import { InodeTable } from './inode-table.ts';

/** How many files' names are kept in memory. */
const MAX_FILES = 32_768;
/** Directories that are gone and still stand in the places of others. */
const MAX_FORGOTTEN = 10_000;

/** Where memory has a file. */
export interface Place {
  readonly directory: Inode;
  /** Bytes as latin1 characters. */
  readonly name: string;
}

export class Inodes {
  private readonly base: Inode;
  private readonly descriptors: Descriptors;
  private readonly maxFiles: number;
  private readonly directories = new Map<number, Inode>();
  private readonly files = new Map<number, Inode>();
  /** Files that `files` has not: inode number of a directory that they are in; 0 for those that are not there. */
  private readonly places = new InodeTable();

  /**
   * @param base never forgotten
   * @param descriptors of the inodes: closed with what is forgotten
   * @param maxFiles how many files' names are kept in memory
   */
  constructor(base: Inode, descriptors: Descriptors, maxFiles = MAX_FILES) {
    this.base = base;
    this.descriptors = descriptors;
    this.maxFiles = maxFiles;
    this.directories.set(base.ino, base);
  }

  /** The inode of this number, if memory has it. */
  known(ino: number): Inode | undefined {
    return this.files.get(ino) ?? this.directories.get(ino);
  }

  /** The same where it is known what kind of file it is. */
  knownAs(ino: number, isDirectory: boolean): Inode | undefined {
    return this.mapOf(isDirectory).get(ino);
  }

  private mapOf(isDirectory: boolean): Map<number, Inode> {
    return isDirectory ? this.directories : this.files;
  }

  /** More directories than these cannot be above one another. */
  get maxDepth(): number {
    return this.directories.size + MAX_FORGOTTEN;
  }

  /** Takes up a file found in a directory: as the inode that memory has of it, or as a new one. */
  adopt(ino: number, isDirectory: boolean, directory: Inode, name: string, generation: Generation): Inode {
    const known = this.knownAs(ino, isDirectory);
    if (known?.isOf(generation)) {
      this.place(known, directory, name);
      return known;
    }
    if (known !== undefined) this.forget(known);
    const inode = new Inode(ino, isDirectory, directory, name);
    inode.generation = generation;
    this.remember(inode);
    return inode;
  }

  /** The file was found there. @param name bytes as latin1 characters */
  place(inode: Inode, directory: Inode, name: string): void {
    if (inode === this.base) return;
    inode.parent = directory;
    if (inode.name !== name) inode.name = name;
  }

  /** The file has another place, by our own doing. @param name bytes as latin1 characters */
  moved(inode: Inode, directory: Inode, name: string): void {
    this.place(inode, directory, name);
    inode.unsettle();
    // It may have been dropped for its neighbours meanwhile.
    if (this.known(inode.ino) !== inode) this.remember(inode);
  }

  /** Where memory has the file of this number. */
  placeOf(ino: number): Place | undefined {
    const inode = this.files.get(ino);
    return inode?.parent && { directory: inode.parent, name: inode.name };
  }

  private remember(inode: Inode): void {
    // The number may have been one of the other kind before, removed by others.
    const former = this.knownAs(inode.ino, !inode.isDirectory);
    if (former !== undefined) this.forget(former);
    if (!inode.isDirectory && this.files.size >= this.maxFiles) this.dropNames();
    this.mapOf(inode.isDirectory).set(inode.ino, inode);
  }

  /** Makes room: the directory is enough to find a file again. */
  private dropNames(): void {
    let count = Math.ceil(this.maxFiles / 4);
    for (const [ino, inode] of this.files) {
      if (inode.descriptor === undefined && inode.parent !== undefined) {
        this.files.delete(ino);
        this.setDirectory(ino, inode.parent);
      }
      count -= 1;
      if (count === 0) break;
    }
  }

  /** Remembers in which directory a file is that memory has no inode of. */
  setDirectory(ino: number, directory: Inode): void {
    this.places.set(ino, directory.ino);
  }

  /** It is not there any more. */
  unsetDirectory(ino: number): void {
    this.places.unset(ino);
  }

  /** The number of that directory, which may be gone. */
  directoryOf(ino: number): number | undefined {
    return this.places.get(ino) || undefined;
  }

  /**
   * Remembers the names of a file and of those behind it in its directory, which are asked for next; as many as there is
   * room for.
   *
   * @returns the file; undefined when it is not there
   */
  takeUp(ino: number, directory: Inode, listing: Listing): Inode | undefined {
    let isBehind = false;
    for (let entry = listing.next(); entry !== undefined; entry = listing.next()) {
      const { ino: found, isDirectory, name } = entry;
      isBehind ||= found === ino;
      if (!isBehind || isDirectory === true || this.known(found) !== undefined) continue;
      if (found !== ino && this.files.size >= this.maxFiles) break;
      this.remember(new Inode(found, false, directory, name.toString('latin1')));
    }
    return this.files.get(ino);
  }

  /** Drops what memory has of a file that is gone, and its space with it. */
  forget(inode: Inode): void {
    if (inode === this.base) return;
    this.descriptors.close(inode);
    const map = this.mapOf(inode.isDirectory);
    if (map.get(inode.ino) === inode) map.delete(inode.ino);
    this.places.unset(inode.ino);
  }

  /** The same for all such files. */
  forgetWhere(isGone: (inode: Inode) => boolean): void {
    const gone = new Set<number>();
    for (const map of [this.files, this.directories]) {
      for (const inode of map.values()) {
        if (!isGone(inode)) continue;
        if (inode.isDirectory) gone.add(inode.ino);
        this.forget(inode);
      }
    }
    this.places.unsetValues(gone);
  }
}
