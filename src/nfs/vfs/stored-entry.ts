/** Files that stand for what the account cannot make, by their attribute: links, devices, FIFOs and sockets. */
import fs from 'node:fs';
import { FileType } from '../../rootfs/file-type.ts';
import { type Owner, realMode } from '../../rootfs/owner.ts';
import { writeAttribute } from '../../rootfs/ownership.ts';
import { check, refuse } from '../../system/file-error.ts';
import { CName, linkDescriptor, readSymlink, renameEntry, unlinkEntry, writeAt } from '../../system/files.ts';
import { O_TMPFILE, openEntry } from '../../system/openat2.ts';
import type { Inode } from './inode.ts';
import type { Volume } from './volume.ts';

const DOT = Buffer.from('.\0');

/** Makes a file whose type, owner and content appear together with its name. */
export function createStored(
  volume: Volume,
  directory: Inode,
  name: Buffer,
  owner: Owner,
  content: Buffer,
): void {
  if (volume.options.ownership === 'plain') refuse('ENOTSUPP');
  let fd = -1;
  volume.inDirectory(directory, (directoryFd) => {
    fd = openEntry(directoryFd, DOT, O_TMPFILE | fs.constants.O_RDWR, realMode(owner));
    return fd;
  });
  try {
    if (content.length > 0 && check(writeAt(fd, content, content.length, 0)) < content.length) {
      refuse('ENOSPC');
    }
    writeAttribute(fd, owner);
    volume.inDirectory(directory, (directoryFd) => linkDescriptor(fd, directoryFd, name));
  } finally {
    fs.closeSync(fd);
  }
}

/** A real link, FIFO or socket, made by hand, gives way to a file that can have an owner. */
export function replaceReal(volume: Volume, inode: Inode, owner: Owner): void {
  const { parent } = inode;
  if (parent === undefined) refuse('EPERM');
  const name = new CName().latin1(inode.name);
  const content = Buffer.alloc(4096);
  let length = 0;
  if (owner.type === FileType.symlink) {
    length = check(readSymlink(volume.tree.directoryFd(parent), name, content));
  }
  const temporary = new CName().latin1(`.novaboot-${process.pid}-${inode.ino}`);
  createStored(volume, parent, temporary, owner, content.subarray(0, length));
  try {
    volume.inDirectory(parent, (fd) => renameEntry(fd, temporary, fd, name));
  } catch (error) {
    unlinkEntry(volume.tree.directoryFd(parent), temporary, 0);
    throw error;
  }
  volume.dropped(inode);
  if (volume.quota !== undefined) volume.entered(parent, Buffer.from(inode.name, 'latin1'));
}
