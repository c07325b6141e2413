/** The file system that the procedures see: files are inodes, callers have credentials, errors are errno names. */
import fs from 'node:fs';
import path from 'node:path';
import { FileType } from '../../rootfs/file-type.ts';
import { identityOf } from '../../rootfs/identity.ts';
import { type Figures, UNLIMITED } from '../../rootfs/quota.ts';
import { check, expect, FileError, refuse } from '../../system/file-error.ts';
import { readSymlink } from '../../system/files.ts';
import { Listing } from '../../system/listing.ts';
import { statEntry } from '../../system/statx.ts';
import { access3, EXECUTE, permits, READ } from './access.ts';
import type { Attributes, Changes, Credentials, Time } from './attributes.ts';
import * as creation from './create.ts';
import { FileData, type ReadResult } from './data.ts';
import { decodeHandle, encodeHandle } from './handle.ts';
import type { Inode } from './inode.ts';
import { checkName, isParent, isSelf } from './names.ts';
import * as namespace from './namespace.ts';
import { probe } from './probe.ts';
import { setattr } from './setattr.ts';
import { Volume, type VolumeOptions } from './volume.ts';

const ENOENT = 2;

export type { Inode, ReadResult };

/** Bytes of a symbolic link's target at most. */
const PATH_MAX = 4096;

/** An entry as READDIR lists it. */
export interface DirectoryEntry {
  readonly fileid: number;
  /** Valid until the next entry. */
  readonly name: Buffer;
  /** Where to go on behind it. */
  readonly cookie: bigint;
}

export interface DirectoryEntries {
  /** undefined at the end. */
  next(): DirectoryEntry | undefined;
}

export interface FileSystemStatus {
  /** Bytes: in all, free, and free for the account. */
  readonly tbytes: number;
  readonly fbytes: number;
  readonly abytes: number;
  /** The same in files. */
  readonly tfiles: number;
  readonly ffiles: number;
  readonly afiles: number;
}

export class Vfs {
  readonly exportPath: string;
  private readonly exportsBase: boolean;
  private readonly volume: Volume;
  private readonly data: FileData;
  private turn = -1;
  /** The file that the last handle meant. */
  private resolved: Inode | undefined;
  /** Of READDIR: nothing else runs between two entries. */
  private readonly buffer = Buffer.alloc(16 * 1024);

  private constructor(options: VolumeOptions) {
    this.exportPath = options.exportPath;
    this.exportsBase = options.exportPath === options.base;
    this.volume = new Volume(options);
    this.data = new FileData(this.volume);
  }

  /** @throws Error that says what the directory or its file system lacks */
  static open(options: VolumeOptions): Vfs {
    // The modes of files are what clients say.
    process.umask(0);
    probe(options);
    return new Vfs(options);
  }

  close(): void {
    this.volume.quota?.close();
    this.volume.tree.close();
  }

  /**
   * A call begins: what was seen in the one before counts no more, unless both had arrived before that one began.
   * Then the answer is still true of a moment between call and reply.
   *
   * @param turn equal for such calls; not negative
   */
  begin(turn = -1): void {
    if (turn < 0 || turn !== this.turn) this.volume.forgetSeen();
    this.turn = turn;
  }

  /** The exported directory. @throws FileError */
  get root(): Inode {
    const { base } = this.volume.tree;
    return this.exportsBase ? base : this.child(base, Buffer.from(path.basename(this.exportPath)));
  }

  resolve(handle: Buffer): Inode {
    const { tree } = this.volume;
    const inode = tree.find(decodeHandle(tree.generation, handle));
    // What is above the roots is handed to nobody; but its handle can be made up.
    if (tree.tops.isNobodys(inode)) refuse('ESTALE');
    this.resolved = inode;
    return inode;
  }

  handleOf(inode: Inode): Buffer {
    const { tree } = this.volume;
    if (inode.generation === undefined) tree.stat(inode);
    const generation = inode.generation ?? refuse('ESTALE');
    return encodeHandle(tree.generation, inode.ino, generation);
  }

  /** The file that the last handle meant. */
  get called(): Inode | undefined {
    return this.resolved;
  }

  /** The root file system that a file is in. */
  topOf(inode: Inode): Inode | undefined {
    return this.volume.tree.tops.topOf(inode);
  }

  /** Names a root for good (src/rootfs/identity.ts). @throws FileError, PutOff */
  identityOf(top: Inode): string {
    return identityOf(this.volume.tree.directoryFd(top));
  }

  /** Somebody exchanged roots, or a root is going to be removed. @throws FileError */
  lookAtRoots(): void {
    this.volume.tree.tops.refresh();
  }

  /** Nothing of a root can be reached any more. */
  forgetRoot(ino: number): void {
    const { inodes, tops } = this.volume.tree;
    const top = inodes.known(ino);
    if (top !== undefined && tops.isTop(top)) inodes.forgetWhere((inode) => tops.topOf(inode) === top);
  }

  attributes(inode: Inode): Attributes {
    return this.volume.attributes(inode);
  }

  setattr(caller: Credentials, inode: Inode, changes: Changes, guard?: Time): void | Promise<void> {
    return setattr(this.volume, caller, inode, changes, guard);
  }

  lookup(caller: Credentials, directory: Inode, name: Buffer): Inode {
    const attributes = this.volume.directory(directory);
    if (!permits(caller, attributes, EXECUTE)) refuse('EACCES');
    checkName(name);
    if (isSelf(name)) return directory;
    if (isParent(name)) return this.above(directory);
    return this.child(directory, name);
  }

  private above(directory: Inode): Inode {
    const { tree } = this.volume;
    return tree.tops.isTop(directory) ? directory : tree.parentOf(directory);
  }

  private child(directory: Inode, name: Buffer): Inode {
    return this.found(directory, name) ?? refuse('ENOENT');
  }

  private found(directory: Inode, name: Buffer): Inode | undefined {
    const { volume } = this;
    const fd = volume.tree.directoryFd(directory);
    const cname = volume.cname.bytes(name);
    const stat = statEntry(fd, cname);
    if (stat === -ENOENT) return undefined;
    const known = expect(stat);
    const inode = volume.tree.entry(directory, fd, cname, name.length, known);
    volume.describe(inode, known);
    return inode;
  }

  access(caller: Credentials, inode: Inode, wanted: number): number {
    return access3(caller, this.volume.attributes(inode), wanted);
  }

  readlink(_caller: Credentials, inode: Inode): Buffer {
    const { volume } = this;
    const { type, size } = volume.attributes(inode);
    if (type !== FileType.symlink) refuse('EINVAL');
    const target = Buffer.alloc(PATH_MAX);
    if (inode.owner !== undefined) {
      const { fd } = volume.tree.file(inode, false);
      return target.subarray(0, fs.readSync(fd, target, 0, Math.min(size, PATH_MAX), 0));
    }
    const parentFd = volume.tree.directoryFd(inode.parent ?? refuse('ESTALE'));
    return target.subarray(0, check(readSymlink(parentFd, volume.cname.latin1(inode.name), target)));
  }

  read(caller: Credentials, inode: Inode, offset: number, count: number): ReadResult | Promise<ReadResult> {
    return this.data.read(caller, inode, offset, count);
  }

  write(
    caller: Credentials,
    inode: Inode,
    offset: number,
    data: Buffer,
    stable: number,
    isAlone = false,
  ): number | Promise<number> {
    return this.data.write(caller, inode, offset, data, stable, isAlone);
  }

  commit(caller: Credentials, inode: Inode, isAlone = false): void | Promise<void> {
    return this.data.commitFor(caller, inode, isAlone);
  }

  /** 8 bytes that change whenever written data may be lost: with the machine's boot or a failed fsync. */
  get writeVerifier(): Buffer {
    return this.data.verifier;
  }

  create(caller: Credentials, directory: Inode, name: Buffer, how: creation.How): Inode | Promise<Inode> {
    return creation.create(this.volume, caller, directory, name, how);
  }

  mkdir(caller: Credentials, directory: Inode, name: Buffer, changes: Changes): Inode | Promise<Inode> {
    return creation.mkdir(this.volume, caller, directory, name, changes);
  }

  symlink(
    caller: Credentials,
    directory: Inode,
    name: Buffer,
    changes: Changes,
    target: Buffer,
  ): Inode | Promise<Inode> {
    return creation.symlink(this.volume, caller, directory, name, changes, target);
  }

  mknod(
    caller: Credentials,
    directory: Inode,
    name: Buffer,
    type: FileType,
    changes: Changes,
    major: number,
    minor: number,
  ): Inode | Promise<Inode> {
    return creation.mknod(this.volume, caller, directory, name, { type, major, minor }, changes);
  }

  remove(caller: Credentials, directory: Inode, name: Buffer): void | Promise<void> {
    return namespace.remove(this.volume, caller, directory, name);
  }

  rmdir(caller: Credentials, directory: Inode, name: Buffer): void | Promise<void> {
    return namespace.rmdir(this.volume, caller, directory, name);
  }

  rename(
    caller: Credentials,
    fromDirectory: Inode,
    fromName: Buffer,
    toDirectory: Inode,
    toName: Buffer,
  ): void | Promise<void> {
    return namespace.rename(this.volume, caller, fromDirectory, fromName, toDirectory, toName);
  }

  link(caller: Credentials, inode: Inode, directory: Inode, name: Buffer): void | Promise<void> {
    return namespace.link(this.volume, caller, inode, directory, name);
  }

  /** @param cookie where to begin: 0, or that of an entry. @throws FileError EBADCOOKIE among others */
  readdir(caller: Credentials, directory: Inode, cookie: bigint): DirectoryEntries {
    const attributes = this.volume.directory(directory);
    if (!permits(caller, attributes, READ)) refuse('EACCES');
    const listing = this.list(this.volume.tree.directoryFd(directory), cookie);
    return {
      next: () => {
        const entry = listing.next();
        if (entry === undefined) return undefined;
        const { ino, name, next } = entry;
        return { fileid: isParent(name) ? this.above(directory).ino : ino, name, cookie: next };
      },
    };
  }

  private list(fd: number, cookie: bigint): Listing {
    try {
      return new Listing(fd, cookie, this.buffer);
    } catch (error) {
      if (error instanceof FileError && error.code === 'EINVAL') refuse('EBADCOOKIE');
      throw error;
    }
  }

  /** The inode of an entry just listed, its attributes at hand; undefined if it vanished or cannot be reached. */
  entry(_caller: Credentials, directory: Inode, name: Buffer): Inode | undefined {
    if (isSelf(name)) return directory;
    try {
      return isParent(name) ? this.above(directory) : this.found(directory, name);
    } catch (error) {
      if (error instanceof FileError) return undefined;
      throw error;
    }
  }

  /** As the root that a file is in may still grow: by the quota, and by what the file system has. */
  statfs(inode: Inode): FileSystemStatus {
    const { options, quota } = this.volume;
    const { bsize, blocks, bfree, bavail, files, ffree } = fs.statfsSync(options.base);
    const limits = quota?.limits ?? UNLIMITED;
    const room = quota?.roomOf(inode) ?? UNLIMITED;
    const bytes = Math.max(0, room.bytes);
    const left = Math.min(ffree, Math.max(0, room.files));
    return {
      tbytes: Math.min(blocks * bsize, limits.bytes),
      fbytes: Math.min(bfree * bsize, bytes),
      abytes: Math.min(bavail * bsize, bytes),
      tfiles: Math.min(files, limits.files),
      ffiles: left,
      afiles: left,
    };
  }

  /** What counts, what the replaced roots take, and what either may; undefined without a quota. */
  usage(): { used: Figures; replaced: Figures; limits: Figures } | undefined {
    const { quota } = this.volume;
    return quota && { ...quota.figures(), limits: quota.limits };
  }

  /** Somebody else may have changed the tree, and what is known of it. */
  usageChanged(): void {
    this.volume.quota?.changed();
  }

  /** A root is about to be removed by this process. @param identity rootfs/identity.ts */
  treeRemoved(identity: string): void {
    this.volume.quota?.treeRemoved(identity);
  }

  /** A file's names and a name's bytes at most. */
  pathconf(_inode: Inode): { linkMax: number; nameMax: number } {
    return { linkMax: 32_000, nameMax: 255 };
  }

  /** What MNT takes: the exported directory, or one in it. @throws FileError ENOENT, ENOTDIR, EACCES */
  directory(directoryPath: string): Inode {
    const below = path.posix.relative(this.exportPath, directoryPath);
    if (!path.isAbsolute(directoryPath) || below === '..' || below.startsWith('../')) refuse('ENOENT');
    let inode = this.root;
    for (const name of below.split('/').filter((part) => part !== '')) {
      if (!inode.isDirectory) refuse('ENOTDIR');
      const bytes = Buffer.from(name);
      checkName(bytes);
      inode = this.child(inode, bytes);
    }
    if (!inode.isDirectory) refuse('ENOTDIR');
    return inode;
  }
}
