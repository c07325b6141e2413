/**
 * Which file a handle means and how to reach it. Every file is reached from the base by directory descriptors and single
 * names (openat2), so no path leads out; a handle that memory does not know is looked for in the whole tree, once.
 */
import fs from 'node:fs';
import { check, expect, FileError, refuse } from '../../system/file-error.ts';
import { CName, descriptorHandle, entryHandle, S_IFDIR, S_IFMT, S_IFREG } from '../../system/files.ts';
import { errnoName } from '../../system/libc.ts';
import { openEntry } from '../../system/openat2.ts';
import { type Stat, statDescriptor, statEntry } from '../../system/statx.ts';
import { PutOff } from '../put-off.ts';
import { Descriptors } from './descriptors.ts';
import { type Generation, generationOf, type HandleParts, isSameGeneration } from './handle.ts';
import { Inode } from './inode.ts';
import { Inodes } from './inodes.ts';
import { Search } from './search.ts';
import { Tops } from './tops.ts';

const { O_RDONLY, O_RDWR, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const ENOENT = -2;
const EACCES = -13;
const ENOTDIR = -20;
const ELOOP = -40;

const DOT_DOT = Buffer.from('..\0');

/** Without it a directory's entries cannot be reached. */
const S_IXUSR = 0o100;

/** Errors that say: the file is not where memory has it. */
function isLoss(error: unknown): boolean {
  return error instanceof PutOff || (error instanceof FileError && error.code === 'ESTALE');
}

/** Answers that say: what memory knows of the file's place is not true any more. */
function isElsewhere(result: number): boolean {
  return result === ENOENT || result === ENOTDIR || result === ELOOP;
}

export class Tree {
  readonly base: Inode;
  readonly descriptors = new Descriptors();
  readonly inodes: Inodes;
  readonly tops: Tops;
  /** Of the base: part of every handle. */
  readonly generation: Generation;
  private readonly search: Search;
  private readonly cname = new CName();
  private readonly unlock: (inode: Inode) => boolean;
  private readonly device: { readonly major: number; readonly minor: number };

  /**
   * @param path the base directory
   * @param unlock gives the account access to a file that was made without
   * @param exported the exported directory's name in it; undefined where it is exported itself
   * @param maxFiles how many files' names are kept in memory, if not the usual number
   * @throws SystemError
   */
  constructor(
    path: string,
    unlock: (inode: Inode) => boolean,
    exported: string | undefined,
    maxFiles?: number,
  ) {
    this.unlock = unlock;
    const fd = fs.openSync(path, O_RDONLY | O_DIRECTORY);
    const { ino, devMajor, devMinor } = expect(statDescriptor(fd));
    this.device = { major: devMajor, minor: devMinor };
    this.generation = generationOf(expect(descriptorHandle(fd)));
    this.base = new Inode(ino, true, undefined, '');
    this.base.generation = this.generation;
    this.inodes = new Inodes(this.base, this.descriptors, maxFiles);
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
      if (closed.length > this.inodes.maxDepth) return this.lost(...closed);
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
    if (!inode.isUnchanged(stat) && !inode.isOf(generationOf(expect(descriptorHandle(fd))))) {
      fs.closeSync(fd);
      return this.gone(inode);
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
    return inode.isOf(generationOf(handle)) ? stat : this.gone(inode);
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
    const known = this.inodes.knownAs(stat.ino, isDirectory);
    if (known?.isUnchanged(stat)) {
      if (!known.isAt(directory, name, length)) {
        this.inodes.place(known, directory, name.toString('latin1', 0, length));
      }
      return known;
    }
    const generation = generationOf(expect(entryHandle(directoryFd, name)));
    return this.inodes.adopt(
      stat.ino,
      isDirectory,
      directory,
      name.toString('latin1', 0, length),
      generation,
    );
  }

  /** The inode of a file that was made just now. */
  made(directory: Inode, name: Buffer, fd: number, stat: Stat): Inode {
    const generation = generationOf(expect(descriptorHandle(fd)));
    return this.inodes.adopt(stat.ino, false, directory, name.toString('latin1'), generation);
  }

  /** The file has another place, by our own doing. @param name bytes as latin1 characters */
  moved(inode: Inode, directory: Inode, name: string): void {
    this.inodes.moved(inode, directory, name);
    if (inode.isDirectory) this.search.moved(inode);
  }

  /**
   * The file that a handle means.
   *
   * @throws FileError ESTALE; PutOff while it is looked for
   */
  find(parts: HandleParts): Inode {
    const inode = this.inodes.known(parts.ino) ?? this.search.find(parts.ino);
    if (inode.generation === undefined) this.stat(inode);
    const { generation } = inode;
    if (generation === undefined || !isSameGeneration(generation, parts.generation)) return refuse('ESTALE');
    return inode;
  }

  /** The files are not where they were: somebody else moved or removed them. */
  private lost(...inodes: Inode[]): never {
    const areNear = inodes.every((inode) => this.search.isNear(inode));
    throw new PutOff(areNear ? Promise.resolve() : this.search.run(...inodes));
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
    this.inodes.forget(inode);
    return refuse('ESTALE');
  }

  close(): void {
    this.descriptors.closeAll();
    const { descriptor } = this.base;
    if (descriptor !== undefined) fs.closeSync(descriptor.fd);
    this.base.descriptor = undefined;
  }
}
