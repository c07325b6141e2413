/** The exported file system as its operations share it: where files are, whose they are, and what is set. */
import fs from 'node:fs';
import path from 'node:path';
import { FileType } from '../../rootfs/file-type.ts';
import { type Ids, isPlain, type Owner, realMode, typeOf } from '../../rootfs/owner.ts';
import { readEntryOwner, readOwner, storeMask, storeOwner, writeAttribute } from '../../rootfs/ownership.ts';
import { removeAttribute } from '../../system/extended-attributes.ts';
import { check, expect, refuse } from '../../system/file-error.ts';
import { CName, changeMode } from '../../system/files.ts';
import { type Stat, statEntry } from '../../system/statx.ts';
import { EXECUTE, permits, WRITE } from './access.ts';
import type { Attributes, Credentials } from './attributes.ts';
import { Flusher } from './flusher.ts';
import type { Inode } from './inode.ts';
import { Quota, type QuotaOptions } from './quota.ts';
import { replaceReal } from './stored-entry.ts';
import { ctimeTickMs } from './tick.ts';
import { Tree } from './tree.ts';
import { unlockFile } from './unlock.ts';

export interface VolumeOptions {
  /** The directory that MNT takes: `base` or an entry of it. */
  readonly exportPath: string;
  /** The directory in which handles are valid. */
  readonly base: string;
  /** plain: no attributes; all files show as root's, and only what a real file can be is made. */
  readonly ownership: 'xattr' | 'plain';
  /** Whose files without the attribute are. */
  readonly unattributed: Ids;
  /** How much may be in it. */
  readonly quota?: QuotaOptions | undefined;
  /** How many files' names are kept in memory, if not the usual number. */
  readonly maxFiles?: number;
  /** Namespace changes reach the disk before they are answered. */
  readonly sync: boolean;
}

const ENOENT = 2;
const EACCES = 13;
const ENODATA = 61;
/** Of a mode. */
const GROUP_BITS = 0o070;
/** What rsync --fake-super stores for `security.capability`. */
const CAPABILITY = Buffer.from('user.rsync.security.capability\0');
const REMEMBERED = 8;

export class Volume {
  readonly options: VolumeOptions;
  readonly tree: Tree;
  readonly flusher: Flusher;
  readonly quota: Quota | undefined;
  readonly fsid: number;
  private readonly tickMs: number;
  /** For names that a call was given; a second one where it takes two. */
  readonly cname = new CName();
  readonly secondCName = new CName();
  /** For an inode's own name. */
  private readonly entryName = new CName();
  /** Attributes seen within one call, or calls that came together: nothing else of ours runs meanwhile. */
  private readonly seen: { inode: Inode | undefined; attributes: Attributes | undefined }[];
  private next = 0;

  /** @throws FileError, SystemError */
  constructor(options: VolumeOptions) {
    this.options = options;
    const { base, exportPath, maxFiles } = options;
    const exported = exportPath === base ? undefined : path.basename(exportPath);
    this.tree = new Tree(base, (inode) => this.unlock(inode), exported, maxFiles);
    this.flusher = new Flusher(this.tree.descriptors);
    this.quota = options.quota && new Quota(this.tree, exported, fs.statfsSync(base), options.quota);
    const { high, low } = this.tree.generation;
    this.tickMs = ctimeTickMs(options.base);
    this.fsid = (high & 0xfffff) * 0x1_0000_0000 + (low >>> 0);
    this.seen = Array.from({ length: REMEMBERED }, () => ({ inode: undefined, attributes: undefined }));
  }

  /** A call begins, or something changed: what was seen counts no more. */
  forgetSeen(): void {
    for (const slot of this.seen) slot.inode = undefined;
  }

  /** @throws FileError ESTALE; PutOff */
  attributes(inode: Inode): Attributes {
    for (const slot of this.seen) {
      if (slot.inode === inode && slot.attributes !== undefined) return slot.attributes;
    }
    return this.describe(inode, this.tree.stat(inode));
  }

  /** Attributes from a stat that was just taken. */
  describe(inode: Inode, stat: Stat): Attributes {
    if (!inode.isUnchanged(stat)) {
      inode.owner = this.readOwner(inode, stat);
      inode.settle(stat, this.tickMs);
    }
    this.quota?.described(inode, stat);
    const { type, mode, uid, gid, major, minor } = inode.owner ?? this.impliedOwner(stat);
    const attributes: Attributes = {
      type,
      mode,
      nlink: stat.nlink,
      uid,
      gid,
      size: stat.size,
      used: stat.blocks * 512,
      major,
      minor,
      fsid: this.fsid,
      fileid: stat.ino,
      atime: stat.atime,
      mtime: stat.mtime,
      ctime: stat.ctime,
    };
    const slot = this.seen[this.next] as (typeof this.seen)[number];
    this.next = (this.next + 1) % REMEMBERED;
    slot.inode = inode;
    slot.attributes = attributes;
    return attributes;
  }

  /** Attributes of a file that was made just now with this owner. */
  describeNew(inode: Inode, stat: Stat, owner: Owner): void {
    this.quota?.made(inode);
    const { ownership, unattributed } = this.options;
    inode.owner = ownership === 'plain' || isPlain(owner, unattributed) ? undefined : owner;
    inode.settle(stat, this.tickMs);
    this.describe(inode, stat);
  }

  private readOwner(inode: Inode, stat: Stat): Owner | undefined {
    if (this.options.ownership === 'plain') return undefined;
    const { descriptor, parent } = inode;
    if (descriptor !== undefined) return readOwner(descriptor.fd, stat.mode);
    if (parent === undefined) return undefined;
    const name = this.entryName.latin1(inode.name);
    return readEntryOwner(this.tree.directoryFd(parent), name, stat.mode);
  }

  private impliedOwner({ mode, rdevMajor, rdevMinor }: Stat): Owner {
    const { uid, gid } = this.options.unattributed;
    const type = typeOf(mode) ?? FileType.regular;
    return { type, mode: mode & 0o7777, uid, gid, major: rdevMajor, minor: rdevMinor };
  }

  /** Attributes of what has to be a directory. */
  directory(inode: Inode): Attributes {
    const attributes = this.attributes(inode);
    return attributes.type === FileType.directory ? attributes : refuse('ENOTDIR');
  }

  /** Attributes of a directory whose entries the caller may change. @throws FileError EACCES, ENOTDIR */
  changeable(caller: Credentials, inode: Inode): Attributes {
    const attributes = this.directory(inode);
    return permits(caller, attributes, WRITE | EXECUTE) ? attributes : refuse('EACCES');
  }

  /** Attributes of a directory whose entries the caller may reach. @throws FileError EACCES, ENOTDIR */
  enterable(caller: Credentials, inode: Inode): Attributes {
    const attributes = this.directory(inode);
    return permits(caller, attributes, EXECUTE) ? attributes : refuse('EACCES');
  }

  /** Whether a directory has an entry of this name, whatever it is. */
  exists(directory: Inode, name: Buffer): boolean {
    const stat = statEntry(this.tree.directoryFd(directory), this.entryName.bytes(name));
    if (stat === -ENOENT) return false;
    expect(stat);
    return true;
  }

  /** Runs a call that changes entries, once more if the directory was made without permission for ourselves. */
  inDirectory(directory: Inode, call: (fd: number) => number): number {
    return this.inDirectories([directory], call);
  }

  /** The same for a call that takes two. */
  inDirectories(directories: readonly Inode[], call: (...fds: number[]) => number): number {
    const descriptors = () => directories.map((directory) => this.tree.directoryFd(directory));
    let result = call(...descriptors());
    if (result === -EACCES && directories.filter((directory) => this.unlock(directory)).length > 0) {
      result = call(...descriptors());
    }
    this.forgetSeen();
    // They may have grown; the reply needs the same look.
    if (this.quota !== undefined) for (const directory of directories) this.attributes(directory);
    return check(result);
  }

  /** A file changed by our own doing. */
  touched(inode: Inode): void {
    inode.unsettle();
    this.forgetSeen();
    this.quota?.touched(inode);
  }

  /** A program that was changed, or given away, loses what its capabilities gave: as set-id bits go. mm/filemap.c */
  removeCapabilities(inode: Inode, { type }: Attributes): void {
    if (type !== FileType.regular || this.options.ownership === 'plain') return;
    const removed = removeAttribute(this.tree.file(inode, true).fd, CAPABILITY);
    if (removed !== -ENODATA) check(removed);
  }

  /** Data of a file were written. */
  wrote(inode: Inode): void {
    this.touched(inode);
    if (this.quota === undefined) return;
    // Other writes are let in by what this one took; the reply needs the same look.
    this.attributes(inode);
    if (this.quota.trimmed(inode)) this.forgetSeen();
  }

  /** Stores a changed owner, mode or type. @throws FileError EPERM where nothing can be stored */
  store(inode: Inode, owner: Owner): void {
    const { tree, options } = this;
    const fd = inode.isDirectory ? tree.directoryFd(inode) : tree.file(inode, true).fd;
    this.touched(inode);
    if (options.ownership === 'xattr') storeOwner(fd, owner, options.unattributed);
    else check(changeMode(fd, this.plainMode(owner)));
  }

  /** Stores the owner and mode that were asked for; what cannot carry another one becomes a stored file. */
  restore(inode: Inode, before: Attributes, after: Pick<Owner, 'mode' | 'uid' | 'gid'>): void {
    const { type, mode, uid, gid } = before;
    const isReal = inode.owner === undefined && type !== FileType.regular && type !== FileType.directory;
    const differs = after.mode !== mode || after.uid !== uid || after.gid !== gid;
    if (!isReal) {
      this.store(inode, { ...before, ...after });
      if (((mode ^ after.mode) & GROUP_BITS) !== 0) this.storeMask(inode, before, after.mode);
    } else if (differs) replaceReal(this, inode, { ...before, ...after });
  }

  private storeMask(inode: Inode, { mode }: Attributes, after: number): void {
    if (this.options.ownership === 'plain') return;
    const fd = inode.isDirectory ? this.tree.directoryFd(inode) : this.tree.file(inode, true).fd;
    storeMask(fd, mode, after);
  }

  /** The inode of an entry that was made just now. */
  entered(directory: Inode, name: Buffer): Inode {
    const fd = this.tree.directoryFd(directory);
    const cname = this.entryName.bytes(name);
    const stat = expect(statEntry(fd, cname));
    const inode = this.tree.entry(directory, fd, cname, name.length, stat);
    this.quota?.made(inode);
    this.describe(inode, stat);
    return inode;
  }

  /** A file that was described is no more. */
  dropped(inode: Inode): void {
    this.quota?.removed(inode);
    this.tree.inodes.forget(inode);
  }

  /** Stores the owner of a file that was made with its real mode just now. */
  storeNew(fd: number, owner: Owner): void {
    if (this.options.ownership === 'plain') this.plainMode(owner);
    else if (!isPlain(owner, this.options.unattributed)) writeAttribute(fd, owner);
  }

  /** The real mode where there are no attributes. @throws FileError EPERM for what a real file of ours cannot be */
  private plainMode(owner: Owner): number {
    const mode = realMode(owner);
    const isAll = isPlain({ ...owner, mode }, this.options.unattributed) && (owner.mode & ~0o777) === 0;
    return isAll ? mode : refuse('EPERM');
  }

  /** fsync(2) of a directory after a change of its entries, where that was asked for. */
  settled<T>(directory: Inode, result: T): T | Promise<T> {
    if (!this.options.sync) return result;
    this.tree.directoryFd(directory);
    return this.flusher.flush(directory).then(() => result);
  }

  /** @returns whether the account has access to the file now */
  private unlock(inode: Inode): boolean {
    const { parent } = inode;
    if (parent === undefined || this.options.ownership === 'plain') return false;
    const implied = (stat: Stat) => this.impliedOwner(stat);
    const isUnlocked = unlockFile(this.tree.directoryFd(parent), inode, implied);
    if (isUnlocked) this.touched(inode);
    return isUnlocked;
  }
}
