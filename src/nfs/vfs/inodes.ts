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

  /** The file has this place; a file may have the former one, too. @param name bytes as latin1 characters */
  place(inode: Inode, directory: Inode, name: string): void {
    const { isDirectory, parent } = inode;
    if (inode === this.base || (parent === directory && inode.name === name)) return;
    if (!isDirectory && parent !== undefined && inode.name !== '') {
      inode.other = { directory: parent, name: inode.name };
    }
    inode.parent = directory;
    inode.name = name;
  }

  /** It has another place, by our own doing, and no more the former one. @param name bytes as latin1 characters */
  moved(inode: Inode, directory: Inode, name: string): void {
    inode.parent = directory;
    inode.name = name;
    inode.unsettle();
    // It may have been dropped for its neighbours meanwhile.
    if (this.known(inode.ino) !== inode) this.remember(inode);
  }

  /** The name that memory has of a file went, by our own doing; others are looked for when the file is asked for. */
  unnamed(inode: Inode): void {
    const { other } = inode;
    inode.parent = other?.directory ?? inode.parent;
    inode.name = other?.name ?? '';
    inode.other = undefined;
  }

  /** A name with the number of this file was seen. */
  seen(inode: Inode, directory: Inode, name: Buffer): void {
    if (inode.isDirectory || inode.isAt(directory, name, name.length)) return;
    const latin1 = name.toString('latin1');
    if (inode.name === '') this.place(inode, directory, latin1);
    else inode.other = { directory, name: latin1 };
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
      if (!isBehind || isDirectory === true) continue;
      const known = this.known(found);
      if (known !== undefined) this.seen(known, directory, name);
      else if (found !== ino && this.files.size >= this.maxFiles) break;
      else this.remember(new Inode(found, false, directory, name.toString('latin1')));
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
