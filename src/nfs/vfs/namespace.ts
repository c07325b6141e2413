/** REMOVE, RMDIR, RENAME and LINK. */
import fs from 'node:fs';
import { FileType } from '../../rootfs/file-type.ts';
import { check, expect, refuse } from '../../system/file-error.ts';
import {
  AT_REMOVEDIR,
  linkDescriptor,
  renameEntry,
  S_IFDIR,
  S_IFMT,
  unlinkEntry,
} from '../../system/files.ts';
import { O_PATH, openEntry } from '../../system/openat2.ts';
import { type Stat, statDescriptor, statEntry } from '../../system/statx.ts';
import { maySticky, permits, WRITE } from './access.ts';
import type { Attributes, Credentials } from './attributes.ts';
import type { Inode } from './inode.ts';
import { checkEntryName } from './names.ts';
import type { Volume } from './volume.ts';

interface Found {
  readonly inode: Inode;
  readonly attributes: Attributes;
  readonly stat: Stat;
}

/** An entry that is to go. @throws FileError ENOENT */
function found(volume: Volume, directory: Inode, cname: Buffer, length: number): Found {
  const fd = volume.tree.directoryFd(directory);
  const stat = expect(statEntry(fd, cname));
  const inode = volume.tree.entry(directory, fd, cname, length, stat);
  const attributes = volume.describe(inode, stat);
  return { inode, attributes, stat };
}

/** @throws FileError EPERM */
function checkSticky(caller: Credentials, above: Attributes, { attributes }: Found): void {
  if (!maySticky(caller, above, attributes)) refuse('EPERM');
}

/** After a name of it went: the last one takes the file along. */
function dropped(volume: Volume, { inode, stat }: Found): void {
  if (inode.isDirectory || stat.nlink === 1) {
    volume.dropped(inode);
    return;
  }
  volume.tree.inodes.unnamed(inode);
  volume.touched(inode);
}

/** A name and no file. */
const NO_MORE = { files: 0, bytes: 0 };

/** What goes from one root file system to another is copied, as between file systems. @throws FileError EXDEV */
function checkSameRoot({ tree: { tops } }: Volume, one: Inode, other: Inode): void {
  if (tops.topOf(one) !== tops.topOf(other)) refuse('EXDEV');
}

function isDirectory({ mode }: Stat): boolean {
  return (mode & S_IFMT) === S_IFDIR;
}

export function remove(
  volume: Volume,
  caller: Credentials,
  directory: Inode,
  name: Buffer,
): void | Promise<void> {
  checkEntryName(name, 'EINVAL');
  const above = volume.changeable(caller, directory);
  const cname = volume.cname.bytes(name);
  const going = found(volume, directory, cname, name.length);
  checkSticky(caller, above, going);
  if (isDirectory(going.stat)) refuse('EISDIR');
  volume.inDirectory(directory, (fd) => unlinkEntry(fd, cname, 0));
  dropped(volume, going);
  return volume.settled(directory, undefined);
}

export function rmdir(
  volume: Volume,
  caller: Credentials,
  directory: Inode,
  name: Buffer,
): void | Promise<void> {
  // RFC 1813 §3.3.13: "." is INVAL, ".." is EXIST.
  checkEntryName(name, name.length === 1 ? 'EINVAL' : 'EEXIST');
  const above = volume.changeable(caller, directory);
  const cname = volume.cname.bytes(name);
  const going = found(volume, directory, cname, name.length);
  checkSticky(caller, above, going);
  if (!isDirectory(going.stat)) refuse('ENOTDIR');
  volume.inDirectory(directory, (fd) => unlinkEntry(fd, cname, AT_REMOVEDIR));
  dropped(volume, going);
  return volume.settled(directory, undefined);
}

export function rename(
  volume: Volume,
  caller: Credentials,
  fromDirectory: Inode,
  fromName: Buffer,
  toDirectory: Inode,
  toName: Buffer,
): void | Promise<void> {
  checkEntryName(fromName, 'EINVAL');
  checkEntryName(toName, 'EINVAL');
  const fromAbove = volume.changeable(caller, fromDirectory);
  const toAbove = volume.changeable(caller, toDirectory);
  const from = volume.cname.bytes(fromName);
  const to = volume.secondCName.bytes(toName);
  const moving = found(volume, fromDirectory, from, fromName.length);
  const replaced = volume.exists(toDirectory, toName)
    ? found(volume, toDirectory, to, toName.length)
    : undefined;
  if (replaced?.inode === moving.inode) return;
  checkSticky(caller, fromAbove, moving);
  if (replaced !== undefined) checkSticky(caller, toAbove, replaced);
  // A directory's ".." changes with its place.
  const changesItself = isDirectory(moving.stat) && fromDirectory !== toDirectory;
  if (changesItself && !permits(caller, moving.attributes, WRITE)) {
    refuse(replaced !== undefined && !isDirectory(replaced.stat) ? 'ENOTDIR' : 'EACCES');
  }
  if (fromDirectory !== toDirectory) {
    checkSameRoot(volume, fromDirectory, toDirectory);
    if (replaced === undefined) volume.quota?.mayName(toDirectory, NO_MORE);
  }
  volume.inDirectories([fromDirectory, toDirectory], (fromFd = -1, toFd = -1) =>
    renameEntry(fromFd, from, toFd, to),
  );
  if (replaced !== undefined) dropped(volume, replaced);
  volume.tree.moved(moving.inode, toDirectory, toName.toString('latin1'));
  volume.quota?.moved(moving.inode);
  const settled = volume.settled(toDirectory, undefined);
  return settled instanceof Promise ? settled.then(() => volume.settled(fromDirectory, undefined)) : settled;
}

/** A descriptor that stands for a file, whatever it is, and cannot read it. */
function openPath(volume: Volume, inode: Inode): number {
  const parentFd = volume.tree.directoryFd(inode.parent ?? refuse('ESTALE'));
  const name = volume.secondCName.latin1(inode.name);
  const fd = check(openEntry(parentFd, name, O_PATH | fs.constants.O_NOFOLLOW));
  const stat = statDescriptor(fd);
  if (typeof stat !== 'number' && stat.ino === inode.ino) return fd;
  fs.closeSync(fd);
  return refuse('ESTALE');
}

/** Another name for a file. */
export function link(
  volume: Volume,
  caller: Credentials,
  inode: Inode,
  directory: Inode,
  name: Buffer,
): void | Promise<void> {
  checkEntryName(name, 'EEXIST');
  if (volume.attributes(inode).type === FileType.directory) refuse('EISDIR');
  volume.changeable(caller, directory);
  checkSameRoot(volume, inode, directory);
  volume.quota?.mayName(directory, NO_MORE);
  const cname = volume.cname.bytes(name);
  const { descriptor } = inode;
  const fd = descriptor?.fd ?? openPath(volume, inode);
  try {
    volume.inDirectory(directory, (directoryFd) => linkDescriptor(fd, directoryFd, cname));
  } finally {
    if (descriptor === undefined) fs.closeSync(fd);
  }
  volume.tree.inodes.place(inode, directory, name.toString('latin1'));
  volume.touched(inode);
  return volume.settled(directory, undefined);
}
