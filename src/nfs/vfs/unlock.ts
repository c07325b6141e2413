/** Files of the account's own that it may not open. */
import fs from 'node:fs';
import { FileType } from '../../rootfs/file-type.ts';
import { type Owner, realMode } from '../../rootfs/owner.ts';
import { readOwner, writeAttribute } from '../../rootfs/ownership.ts';
import { FileError } from '../../system/file-error.ts';
import { CName } from '../../system/files.ts';
import { O_PATH, openEntry } from '../../system/openat2.ts';
import { type Stat, statDescriptor } from '../../system/statx.ts';
import type { Inode } from './inode.ts';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

/**
 * Gives the account access to a file of its own that was made without, and keeps its mode for clients.
 *
 * @param impliedOwner whose a file without an attribute is
 * @returns whether it has access now
 */
export function unlockFile(parentFd: number, inode: Inode, impliedOwner: (stat: Stat) => Owner): boolean {
  const name = new CName().latin1(inode.name);
  const pathFd = openEntry(parentFd, name, O_PATH | O_NOFOLLOW);
  if (pathFd < 0) return false;
  try {
    const stat = statDescriptor(pathFd);
    if (typeof stat === 'number' || stat.ino !== inode.ino) return false;
    const implied = impliedOwner(stat);
    const isFile = implied.type === FileType.regular || implied.type === FileType.directory;
    const mode = stat.mode | realMode({ type: implied.type, mode: 0 });
    if (!isFile || mode === stat.mode || stat.uid !== process.getuid?.()) return false;
    const file = `/proc/self/fd/${pathFd}`;
    fs.chmodSync(file, mode & 0o7777);
    const fd = fs.openSync(file, O_RDONLY | O_NONBLOCK);
    try {
      writeAttribute(fd, readOwner(fd, stat.mode) ?? implied);
    } finally {
      fs.closeSync(fd);
    }
    return true;
  } catch (error) {
    if (error instanceof FileError || (error as NodeJS.ErrnoException).code !== undefined) return false;
    throw error;
  } finally {
    fs.closeSync(pathFd);
  }
}
