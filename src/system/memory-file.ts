/** A file without a name and a disk, for what is too long for the environment of another process: memfd_create(2). */
import fs from 'node:fs';
import { define } from './libc.ts';

const MFD_CLOEXEC = 1;
const memfdCreate = define<[name: string, flags: number]>(
  'int memfd_create(const char *name, unsigned int flags)',
);

/** @returns a descriptor, close-on-exec */
export function memoryFile(name: string, content: string | Buffer): number {
  const fd = memfdCreate(name, MFD_CLOEXEC);
  fs.writeSync(fd, Buffer.from(content), 0);
  return fd;
}

/** All of it, wherever its position is. */
export function readMemoryFile(fd: number): string {
  const content = Buffer.alloc(fs.fstatSync(fd).size);
  fs.readSync(fd, content, 0, content.length, 0);
  return content.toString();
}
