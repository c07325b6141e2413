/**
 * Which file a handle means and how to reach it. Every file is reached from the base by directory descriptors and single
 * names (openat2), so no path leads out; a handle that memory does not know is looked for in the whole tree, once.
 */
import fs from 'node:fs';
import { check, expect, FileError, refuse } from '../../system/file-error.ts';
import { CName, descriptorHandle, entryHandle, S_IFDIR, S_IFMT, S_IFREG } from '../../system/files.ts';
import { errnoName } from '../../system/libc.ts';
import { Listing } from '../../system/listing.ts';
import { openEntry } from '../../system/openat2.ts';
import { type Stat, statDescriptor, statEntry } from '../../system/statx.ts';
import { PutOff } from '../put-off.ts';
import { Descriptors } from './descriptors.ts';
import { type Generation, generationOf, type HandleParts } from './handle.ts';
import { Inode } from './inode.ts';
import { InodeTable } from './inode-table.ts';
import { Search } from './search.ts';
import { Tops } from './tops.ts';

const { O_RDONLY, O_RDWR, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const ENOENT = -2;
const EACCES = -13;
const ENOTDIR = -20;
const ELOOP = -40;

const DOT_DOT = Buffer.from('..\0');

/** How many files' names are kept in memory; the others' directories are. */
const MAX_FILES = 32_768;
/** Without it a directory's entries cannot be reached. */
const S_IXUSR = 0o100;

/** Where memory has a file. */
export interface Place {
  readonly directory: Inode;
  /** Bytes as latin1 characters. */
  readonly name: string;
}

/** Directories that are gone and still stand in the places of others. */
const MAX_FORGOTTEN = 10_000;

/** Errors that say: the file is not where memory has it. */
function isLoss(error: unknown): boolean {
  return error instanceof PutOff || (error instanceof FileError && error.code === 'ESTALE');
}

function isSame(a: Generation, b: Generation): boolean {
  return a.high === b.high && a.low === b.low;
}

function hasName({ name }: Inode, bytes: Buffer, length: number): boolean {
  if (name.length !== length) return false;
  for (let index = 0; index < length; index += 1) {
    if (name.charCodeAt(index) !== bytes[index]) return false;
  }
  return true;
}

/** Answers that say: what memory knows of the file's place is not true any more. */
function isElsewhere(result: number): boolean {
  return result === ENOENT || result === ENOTDIR || result === ELOOP;
}

export class Tree {
  readonly base: Inode;
  readonly descriptors = new Descriptors();
  readonly tops: Tops;
  /** Of the base: part of every handle. */
  readonly generation: Generation;
  private readonly directories = new Map<number, Inode>();
  private readonly files = new Map<number, Inode>();
  /** Files that `files` has not: inode number of a directory that they are in. */
  private readonly places = new InodeTable();
  private readonly search: Search;
  private readonly cname = new CName();
  private readonly unlock: (inode: Inode) => boolean;
  private readonly maxFiles: number;
  private readonly device: { readonly major: number; readonly minor: number };

  /**
   * @param path the base directory
   * @param unlock gives the account access to a file that was made without
   * @param exported the exported directory's name in it; undefined where it is exported itself
   * @param maxFiles how many files' names are kept in memory
   * @throws SystemError
   */
  constructor(
    path: string,
    unlock: (inode: Inode) => boolean,
    exported: string | undefined,
    maxFiles = MAX_FILES,
  ) {
    this.unlock = unlock;
    this.maxFiles = maxFiles;
    const fd = fs.openSync(path, O_RDONLY | O_DIRECTORY);
    const { ino, devMajor, devMinor } = expect(statDescriptor(fd));
    this.device = { major: devMajor, minor: devMinor };
    this.generation = generationOf(expect(descriptorHandle(fd)));
    this.base = new Inode(ino, true, undefined, '');
    this.base.generation = this.generation;
    this.directories.set(ino, this.base);
    // The base's descriptor is none of the bounded ones.
    this.base.descriptor = { fd, writable: false, pins: 1, usedAt: 0 };
    this.tops = new Tops(this, exported);
    this.search = new Search(this);
  }

  /** A descriptor of a directory, for calls by name in it. @throws FileError ENOTDIR among others */
  directoryFd(directory: Inode): number {
    const { descriptor } = directory;
    if (!directory.isDirectory) refuse('ENOTDIR');
    if (descriptor !== undefined) return this.descriptors.use(descriptor).fd;
    // From the nearest one that is open downwards; a loop, since trees may be deeper than the stack.
    const closed: Inode[] = [];
    let from: Inode | undefined = directory;
    while (from !== undefined && from.descriptor === undefined) {
      closed.push(from);
      // After others moved directories, what memory has of their places may be a circle.
      if (closed.length > this.directories.size + MAX_FORGOTTEN) return this.lost(...closed);
      from = from.parent;
    }
    if (from === undefined) return refuse('ESTALE');
    let fd = this.descriptors.use(from.descriptor as NonNullable<Inode['descriptor']>).fd;
    for (let inode = closed.pop(); inode !== undefined; inode = closed.pop()) {
      try {
        fd = this.openVerified(inode, fd, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, false);
      } catch (error) {
        // With a directory the places of those in it are lost.
        if (closed.length > 0 && isLoss(error)) return this.lost(...closed);
        throw error;
      }
    }
    return fd;
  }

  /** A descriptor of the directory that a file is in. */
  private directoryFdAbove(inode: Inode, directory: Inode): number {
    try {
      return this.directoryFd(directory);
    } catch (error) {
      if (isLoss(error)) return this.lost(inode);
      throw error;
    }
  }

  /** A descriptor of a regular file, whatever it stands for. */
  file(inode: Inode, writable: boolean): NonNullable<Inode['descriptor']> {
    const { descriptor } = inode;
    if (descriptor !== undefined && (descriptor.writable || !writable)) {
      return this.descriptors.use(descriptor);
    }
    const parentFd = this.directoryFdAbove(inode, inode.parent ?? refuse('ESTALE'));
    // A FIFO or a device is never opened, not even for a moment.
    const format = inode.format ?? this.stat(inode).mode & S_IFMT;
    if (format !== S_IFREG) refuse('EINVAL');
    const access = writable ? O_RDWR : O_RDONLY;
    this.openVerified(inode, parentFd, access | O_NONBLOCK | O_NOFOLLOW, writable);
    return inode.descriptor ?? refuse('ESTALE');
  }

  private openVerified(inode: Inode, parentFd: number, flags: number, writable: boolean): number {
    let fd = openEntry(parentFd, this.cname.latin1(inode.name), flags);
    if (fd === EACCES && this.unlock(inode)) {
      fd = openEntry(parentFd, this.cname.latin1(inode.name), flags);
    }
    if (isElsewhere(fd)) return this.lost(inode);
    check(fd);
    const stat = statDescriptor(fd);
    if (typeof stat === 'number' || stat.ino !== inode.ino) {
      fs.closeSync(fd);
      return this.lost(inode);
    }
    if (!inode.isUnchanged(stat)) {
      const generation = generationOf(expect(descriptorHandle(fd)));
      if (inode.generation !== undefined && !isSame(inode.generation, generation)) {
        fs.closeSync(fd);
        return this.gone(inode);
      }
      inode.generation = generation;
    }
    this.descriptors.add(inode, fd, writable);
    if (inode.isDirectory && (stat.mode & S_IXUSR) === 0) this.unlock(inode);
    return fd;
  }

  /**
   * The file's state, certain to be this file's.
   *
   * @throws FileError ESTALE when it is gone, PutOff when it has to be looked for
   */
  stat(inode: Inode): Stat {
    const { descriptor, parent } = inode;
    if (descriptor !== undefined) {
      const stat = expect(statDescriptor(descriptor.fd));
      // A descriptor keeps a file alive that has no name any more.
      return stat.nlink === 0 ? this.gone(inode) : stat;
    }
    if (parent === undefined) return refuse('ESTALE');
    const parentFd = this.directoryFdAbove(inode, parent);
    const name = this.cname.latin1(inode.name);
    const stat = statEntry(parentFd, name);
    if (typeof stat === 'number') return isElsewhere(stat) ? this.lost(inode) : refuse(errnoName(-stat));
    if (stat.ino !== inode.ino) return this.lost(inode);
    if (inode.isUnchanged(stat)) return stat;
    const handle = entryHandle(parentFd, name);
    if (typeof handle === 'number') return this.lost(inode);
    const generation = generationOf(handle);
    if (inode.generation === undefined) inode.generation = generation;
    else if (!isSame(inode.generation, generation)) return this.gone(inode);
    return stat;
  }

  /** The file's state if it is where memory has it: otherwise nothing is looked for. @throws FileError, PutOff */
  peek({ ino, descriptor, parent, name }: Inode): Stat | undefined {
    if (descriptor === undefined && parent === undefined) return undefined;
    const stat =
      descriptor === undefined
        ? statEntry(this.directoryFd(parent as Inode), this.cname.latin1(name))
        : statDescriptor(descriptor.fd);
    return typeof stat === 'number' || stat.ino !== ino || stat.nlink === 0 ? undefined : stat;
  }

  /** What somebody mounted in the tree is not exported; its inode numbers mean other files. */
  isMounted({ devMajor, devMinor }: Stat): boolean {
    return devMinor !== this.device.minor || devMajor !== this.device.major;
  }

  /**
   * The inode of an entry that was just looked at.
   *
   * @param name with a NUL behind it
   */
  entry(directory: Inode, directoryFd: number, name: Buffer, length: number, stat: Stat): Inode {
    if (this.isMounted(stat)) refuse('EACCES');
    const isDirectory = (stat.mode & S_IFMT) === S_IFDIR;
    const known = (isDirectory ? this.directories : this.files).get(stat.ino);
    if (known?.isUnchanged(stat)) {
      const isInPlace = known.parent === directory && hasName(known, name, length);
      if (!isInPlace) this.place(known, directory, name.toString('latin1', 0, length));
      return known;
    }
    const generation = generationOf(expect(entryHandle(directoryFd, name)));
    return this.adopt(stat.ino, isDirectory, directory, name.toString('latin1', 0, length), generation);
  }

  /** The inode of a file that was made just now. */
  made(directory: Inode, name: Buffer, fd: number, stat: Stat): Inode {
    const generation = generationOf(expect(descriptorHandle(fd)));
    return this.adopt(stat.ino, false, directory, name.toString('latin1'), generation);
  }

  /** Takes up a file found in a directory: as the inode that memory has of it, or as a new one. */
  adopt(ino: number, isDirectory: boolean, directory: Inode, name: string, generation: Generation): Inode {
    const map = isDirectory ? this.directories : this.files;
    const known = map.get(ino);
    if (known !== undefined) {
      if (known.generation === undefined || isSame(known.generation, generation)) {
        known.generation = generation;
        this.place(known, directory, name);
        return known;
      }
      this.forget(known);
    }
    const inode = new Inode(ino, isDirectory, directory, name);
    inode.generation = generation;
    this.remember(inode);
    return inode;
  }

  private place(inode: Inode, directory: Inode, name: string): void {
    if (inode === this.base) return;
    inode.parent = directory;
    if (inode.name !== name) inode.name = name;
  }

  private remember(inode: Inode): void {
    // The number may have been one of the other kind before, removed by others.
    const [map, other] = inode.isDirectory ? [this.directories, this.files] : [this.files, this.directories];
    const former = other.get(inode.ino);
    if (former !== undefined) this.forget(former);
    if (!inode.isDirectory && this.files.size >= this.maxFiles) this.dropNames();
    map.set(inode.ino, inode);
  }

  /** Makes room: the directory is enough to find a file again. */
  private dropNames(): void {
    let count = Math.ceil(this.maxFiles / 4);
    for (const [ino, inode] of this.files) {
      if (inode.descriptor === undefined && inode.parent !== undefined) {
        this.files.delete(ino);
        this.setPlace(ino, inode.parent.ino);
      }
      count -= 1;
      if (count === 0) break;
    }
  }

  /** Remembers in which directory a file is. */
  setPlace(ino: number, directoryIno: number): void {
    this.places.set(ino, directoryIno);
  }

  /** Where memory has the file of this number. */
  placeOf(ino: number): Place | undefined {
    const inode = this.files.get(ino);
    return inode?.parent && { directory: inode.parent, name: inode.name };
  }

  /** The file has another place, by our own doing. @param name bytes as latin1 characters */
  moved(inode: Inode, directory: Inode, name: string): void {
    this.place(inode, directory, name);
    inode.unsettle();
    // It may have been dropped for its neighbours meanwhile.
    if (this.known(inode.ino) !== inode) this.remember(inode);
    if (inode.isDirectory) this.search.moved(inode);
  }

  /** Drops what memory has of a file that is gone, and its space with it. */
  forget(inode: Inode): void {
    if (inode === this.base) return;
    this.descriptors.close(inode);
    const map = inode.isDirectory ? this.directories : this.files;
    if (map.get(inode.ino) === inode) map.delete(inode.ino);
    this.places.unset(inode.ino);
  }

  /** Drops what memory has of a root that is going to be removed. */
  forgetTop(top: Inode): void {
    const gone = new Set<number>([top.ino]);
    for (const map of [this.files, this.directories]) {
      for (const inode of map.values()) {
        if (this.tops.topOf(inode) !== top) continue;
        if (inode.isDirectory) gone.add(inode.ino);
        this.forget(inode);
      }
    }
    this.places.unsetValues(gone);
  }

  /** The inode of this number, if memory has it. */
  known(ino: number): Inode | undefined {
    return this.files.get(ino) ?? this.directories.get(ino);
  }

  /**
   * The file that a handle means.
   *
   * @throws FileError ESTALE; PutOff while it is looked for
   */
  find(parts: HandleParts): Inode {
    const inode = this.known(parts.ino) ?? this.findInPlace(parts.ino);
    if (inode === undefined) {
      if (this.search.isUseless()) return refuse('ESTALE');
      throw new PutOff(this.search.run());
    }
    if (inode.generation === undefined) this.stat(inode);
    if (inode.generation === undefined || !isSame(inode.generation, parts.generation))
      return refuse('ESTALE');
    return inode;
  }

  /** Takes up the names of a whole directory that the file was seen in: its neighbours are asked for next. */
  private findInPlace(ino: number): Inode | undefined {
    const place = this.places.get(ino) ?? 0;
    if (place === 0) return undefined;
    const directory = this.directories.get(place);
    if (directory !== undefined) this.takeUp(directory, ino);
    const inode = this.files.get(ino);
    if (inode !== undefined) return inode;
    // There was such a file: somebody else moved or removed it.
    this.places.unset(ino);
    throw new PutOff(this.search.run());
  }

  /** Remembers the names of a file and of those behind it, as many as there is room for. */
  private takeUp(directory: Inode, ino: number): void {
    const listing = new Listing(this.directoryFd(directory));
    let isBehind = false;
    for (let entry = listing.next(); entry !== undefined; entry = listing.next()) {
      const { ino: found, isDirectory, name } = entry;
      isBehind ||= found === ino;
      if (!isBehind || isDirectory === true || this.known(found) !== undefined) continue;
      if (found !== ino && this.files.size >= this.maxFiles) return;
      this.remember(new Inode(found, false, directory, name.toString('latin1')));
    }
  }

  /** The files are not where they were: somebody else moved or removed them. */
  private lost(...inodes: Inode[]): never {
    throw new PutOff(this.search.run(...inodes));
  }

  /**
   * The directory above one.
   *
   * @throws PutOff when somebody else moved it
   */
  parentOf(directory: Inode): Inode {
    const parent = directory.parent ?? refuse('ESTALE');
    const stat = expect(statEntry(this.directoryFd(directory), DOT_DOT));
    return stat.ino === parent.ino ? parent : this.lost(directory);
  }

  private gone(inode: Inode): never {
    this.forget(inode);
    return refuse('ESTALE');
  }

  close(): void {
    this.descriptors.closeAll();
    const { descriptor } = this.base;
    if (descriptor !== undefined) fs.closeSync(descriptor.fd);
    this.base.descriptor = undefined;
  }
}
