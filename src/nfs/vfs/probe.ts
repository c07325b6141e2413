/** Whether a directory's file system can do what the server needs, said in words when it cannot. */
import fs from 'node:fs';
import { writeAttribute } from '../../rootfs/ownership.ts';
import { FileError } from '../../system/file-error.ts';
import { descriptorHandle } from '../../system/files.ts';
import { errnoName } from '../../system/libc.ts';
import { O_TMPFILE, openEntry } from '../../system/openat2.ts';
import type { VolumeOptions } from './volume.ts';

const { O_RDONLY, O_RDWR, O_DIRECTORY } = fs.constants;
const DOT = Buffer.from('.\0');
const PROBE = { type: 1, mode: 0o600, uid: 0, gid: 0, major: 0, minor: 0 } as const;

function probeFile(directory: string, fd: number, ownership: VolumeOptions['ownership']): void {
  const file = openEntry(fd, DOT, O_TMPFILE | O_RDWR, 0o600);
  if (file < 0) {
    const code = errnoName(-file);
    const reason = code === 'ENOTSUP' || code === 'EISDIR' ? 'its file system lacks O_TMPFILE' : code;
    throw new Error(`cannot write to ${directory}: ${reason}`);
  }
  try {
    if (ownership === 'xattr') writeAttribute(file, PROBE);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new Error(`${directory} cannot store owners: no user extended attributes there (${error.code})`);
  } finally {
    fs.closeSync(file);
  }
}

/** @throws Error with a message for the user */
export function probe({
  exportPath,
  base,
  ownership,
}: Pick<VolumeOptions, 'exportPath' | 'base' | 'ownership'>): void {
  for (const directory of [base, exportPath]) {
    const stat = fs.lstatSync(directory, { throwIfNoEntry: false });
    if (stat === undefined) throw new Error(`${directory} does not exist`);
    if (!stat.isDirectory()) throw new Error(`${directory} is not a directory`);
  }
  const fd = fs.openSync(base, O_RDONLY | O_DIRECTORY);
  try {
    const handle = descriptorHandle(fd);
    if (typeof handle === 'number') {
      throw new Error(`the file system of ${base} has no file handles (${errnoName(-handle)})`);
    }
    probeFile(base, fd, ownership);
  } finally {
    fs.closeSync(fd);
  }
}
