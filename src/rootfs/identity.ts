/** Which directory it is, whatever its name: no other file of the file system ever has the same. */
import fs from 'node:fs';
import { expect } from '../system/file-error.ts';
import { descriptorHandle } from '../system/files.ts';
import { statDescriptor } from '../system/statx.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;

/** INODE:HANDLE, the handle in hexadecimal; it holds the inode's generation. @throws FileError */
export function identityOf(fd: number): string {
  const { ino } = expect(statDescriptor(fd));
  return `${ino}:${expect(descriptorHandle(fd)).toString('hex')}`;
}

/** @returns undefined where there is no such directory */
export function identityAt(directory: string): string | undefined {
  let fd: number;
  try {
    fd = fs.openSync(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return identityOf(fd);
  } finally {
    fs.closeSync(fd);
  }
}
