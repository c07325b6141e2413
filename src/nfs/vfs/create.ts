/** CREATE, MKDIR, SYMLINK and MKNOD. */
import fs from 'node:fs';
import { FileType } from '../../rootfs/file-type.ts';
import { type Owner, realMode } from '../../rootfs/owner.ts';
import { check, expect, refuse } from '../../system/file-error.ts';
import {
  AT_REMOVEDIR,
  makeDirectory,
  makeSymlink,
  setDescriptorTimes,
  type Timespec,
  unlinkEntry,
} from '../../system/files.ts';
import { openEntry } from '../../system/openat2.ts';
import { statDescriptor, statEntry } from '../../system/statx.ts';
import { isMember, isSuperuser, permits, S_ISGID, WRITE } from './access.ts';
import type { Attributes, Changes, Credentials } from './attributes.ts';
import type { Inode } from './inode.ts';
import { checkEntryName } from './names.ts';
import { setattr } from './setattr.ts';
import { createStored } from './stored-entry.ts';
import type { Volume } from './volume.ts';

/** createhow3 of RFC 1813 §3.3.8; the verifier has 8 bytes. */
export type How =
  | { readonly mode: 'unchecked' | 'guarded'; readonly changes: Changes }
  | { readonly mode: 'exclusive'; readonly verifier: Buffer };

const { O_CREAT, O_EXCL, O_RDWR, O_NOFOLLOW } = fs.constants;
const NOTHING = Buffer.alloc(0);
const SUPERUSER: Credentials = { uid: 0, gid: 0, groups: [] };
const EXISTS = -17;
/** What an empty directory takes at most. */
const DIRECTORY_BYTES = 4096;

/** Who owns a new file: the caller, or whom root names; a setgid directory gives its group. */
function newOwner(
  caller: Credentials,
  directory: Attributes,
  type: FileType,
  changes: Changes,
  device = { major: 0, minor: 0 },
): Owner {
  const isRoot = isSuperuser(caller);
  const inherits = (directory.mode & S_ISGID) !== 0;
  const group = inherits ? directory.gid : caller.gid;
  const uid = (isRoot ? changes.uid : undefined) ?? caller.uid;
  const gid = (isRoot ? changes.gid : undefined) ?? group;
  let mode = (changes.mode ?? 0) & 0o7777;
  if (type === FileType.directory) {
    // As mkdir(2): set-id bits come from the directory above only.
    mode &= 0o1777;
    if (inherits) mode |= S_ISGID;
  } else if (!isRoot && !isMember(caller, gid)) mode &= ~S_ISGID;
  return { type, mode, uid, gid, ...device };
}

/** Times in which an exclusive create keeps its verifier, as Linux does: seconds below 2^31. */
function verifierTimes(verifier: Buffer): { atime: Timespec; mtime: Timespec } {
  const time = (at: number) => ({ seconds: verifier.readUInt32BE(at) & 0x7fffffff, nanoseconds: 0 });
  return { mtime: time(0), atime: time(4) };
}

function isOurs({ atime, mtime, size }: Attributes, verifier: Buffer): boolean {
  const times = verifierTimes(verifier);
  return (
    size === 0 &&
    atime.seconds === times.atime.seconds &&
    mtime.seconds === times.mtime.seconds &&
    atime.nanoseconds === 0 &&
    mtime.nanoseconds === 0
  );
}

/** The entry of a name that was found just now. */
function enter(volume: Volume, directory: Inode, name: Buffer): Inode {
  const fd = volume.tree.directoryFd(directory);
  const cname = volume.cname.bytes(name);
  const stat = expect(statEntry(fd, cname));
  const inode = volume.tree.entry(directory, fd, cname, name.length, stat);
  volume.describe(inode, stat);
  return inode;
}

/** What remains of the attributes that a new file is to have: whoever makes it may say so. */
function finish(
  volume: Volume,
  directory: Inode,
  inode: Inode,
  { size, atime, mtime }: Changes,
): Inode | Promise<Inode> {
  const changes = size === 0 ? { atime, mtime } : { size, atime, mtime };
  const isAll = (changes.size ?? atime ?? mtime) === undefined;
  const set = isAll ? undefined : setattr(volume, SUPERUSER, inode, changes);
  if (set instanceof Promise) return set.then(() => volume.settled(directory, inode));
  return volume.settled(directory, inode);
}

/** What an existing file answers to CREATE. */
function reuse(volume: Volume, caller: Credentials, inode: Inode, how: How): void | Promise<void> {
  if (how.mode === 'guarded') refuse('EEXIST');
  const file = volume.attributes(inode);
  if (how.mode === 'exclusive') {
    if (file.type !== FileType.regular || !isOurs(file, how.verifier)) refuse('EEXIST');
  } else if (file.type === FileType.regular && how.changes.size !== undefined) {
    return setattr(volume, caller, inode, { size: how.changes.size });
  }
}

/** Opens a new file, its owner stored. @returns undefined if the name exists */
function openNew(
  volume: Volume,
  caller: Credentials,
  directory: Inode,
  name: Buffer,
  how: How,
): Inode | undefined {
  const above = volume.changeable(caller, directory);
  // An exclusive create says no mode; a SETATTR that does follows it.
  const changes: Changes = how.mode === 'exclusive' ? { mode: 0o600 } : how.changes;
  const owner = newOwner(caller, above, FileType.regular, changes);
  volume.quota?.mayName(directory, { files: 1, bytes: 0 });
  const cname = volume.cname.bytes(name);
  let exists = false;
  const fd = volume.inDirectory(directory, (directoryFd) => {
    const result = openEntry(directoryFd, cname, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, realMode(owner));
    exists = result === EXISTS;
    return exists ? 0 : result;
  });
  if (exists) return undefined;
  try {
    volume.storeNew(fd, owner);
    if (how.mode === 'exclusive') {
      const { atime, mtime } = verifierTimes(how.verifier);
      check(setDescriptorTimes(fd, atime, mtime));
    }
  } catch (error) {
    unlinkEntry(volume.tree.directoryFd(directory), cname, 0);
    fs.closeSync(fd);
    throw error;
  }
  const stat = expect(statDescriptor(fd));
  const inode = volume.tree.made(directory, name, fd, stat);
  volume.tree.descriptors.add(inode, fd, true);
  volume.describeNew(inode, stat, owner);
  return inode;
}

export function create(
  volume: Volume,
  caller: Credentials,
  directory: Inode,
  name: Buffer,
  how: How,
): Inode | Promise<Inode> {
  checkEntryName(name, 'EEXIST');
  const above = volume.enterable(caller, directory);
  // Whoever may not make it may still open what is there.
  const mayMake = permits(caller, above, WRITE) || !volume.exists(directory, name);
  const inode = mayMake ? openNew(volume, caller, directory, name, how) : undefined;
  if (inode === undefined) {
    const found = enter(volume, directory, name);
    const reused = reuse(volume, caller, found, how);
    return reused instanceof Promise ? reused.then(() => found) : found;
  }
  return how.mode === 'exclusive'
    ? volume.settled(directory, inode)
    : finish(volume, directory, inode, how.changes);
}

export function mkdir(
  volume: Volume,
  caller: Credentials,
  directory: Inode,
  name: Buffer,
  changes: Changes,
): Inode | Promise<Inode> {
  checkEntryName(name, 'EEXIST');
  const above = makeable(volume, caller, directory, name);
  const owner = newOwner(caller, above, FileType.directory, changes);
  volume.quota?.mayName(directory, { files: 1, bytes: DIRECTORY_BYTES });
  const cname = volume.cname.bytes(name);
  volume.inDirectory(directory, (fd) => makeDirectory(fd, cname, realMode(owner)));
  const inode = volume.entered(directory, name);
  try {
    volume.storeNew(volume.tree.directoryFd(inode), owner);
  } catch (error) {
    volume.inDirectory(directory, (fd) => unlinkEntry(fd, volume.cname.bytes(name), AT_REMOVEDIR));
    volume.dropped(inode);
    throw error;
  }
  volume.touched(inode);
  return finish(volume, directory, inode, { ...changes, size: undefined });
}

/** What is there already answers before what is not allowed, as on Linux. @throws FileError EEXIST, EACCES */
function makeable(volume: Volume, caller: Credentials, directory: Inode, name: Buffer): Attributes {
  volume.enterable(caller, directory);
  if (volume.exists(directory, name)) refuse('EEXIST');
  return volume.changeable(caller, directory);
}

export function symlink(
  volume: Volume,
  caller: Credentials,
  directory: Inode,
  name: Buffer,
  changes: Changes,
  target: Buffer,
): Inode | Promise<Inode> {
  checkEntryName(name, 'EEXIST');
  if (target.length === 0 || target.includes(0)) refuse('EINVAL');
  const above = makeable(volume, caller, directory, name);
  volume.quota?.mayName(directory, { files: 1, bytes: target.length });
  if (volume.options.ownership === 'plain') {
    const path = Buffer.concat([target, Buffer.of(0)]);
    volume.inDirectory(directory, (fd) => makeSymlink(path, fd, volume.cname.bytes(name)));
  } else {
    const owner = newOwner(caller, above, FileType.symlink, { ...changes, mode: 0o777 });
    createStored(volume, directory, volume.cname.bytes(name), owner, target);
  }
  return finish(volume, directory, volume.entered(directory, name), { ...changes, size: undefined });
}

export function mknod(
  volume: Volume,
  caller: Credentials,
  directory: Inode,
  name: Buffer,
  node: { readonly type: FileType; readonly major: number; readonly minor: number },
  changes: Changes,
): Inode | Promise<Inode> {
  checkEntryName(name, 'EEXIST');
  const { type, major, minor } = node;
  const isDevice = type === FileType.block || type === FileType.character;
  if (!isDevice && type !== FileType.fifo && type !== FileType.socket) refuse('EBADTYPE');
  const above = makeable(volume, caller, directory, name);
  if (isDevice && !isSuperuser(caller)) refuse('EPERM');
  volume.quota?.mayName(directory, { files: 1, bytes: 0 });
  const owner = newOwner(caller, above, type, changes, isDevice ? { major, minor } : undefined);
  createStored(volume, directory, volume.cname.bytes(name), owner, NOTHING);
  const inode = volume.entered(directory, name);
  return finish(volume, directory, inode, { ...changes, size: undefined });
}
