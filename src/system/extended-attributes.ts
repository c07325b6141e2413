/** Extended attributes (xattr(7)). Functions return the negative errno on failure, as those of files.ts do. */
import { NAME_MAX, PROC_FD } from './files.ts';
import { defineRaw } from './libc.ts';

const lgetxattr = defineRaw<[path: Buffer, name: Buffer, value: Buffer, size: number]>(
  'long lgetxattr(const void *path, const void *name, void *value, size_t size)',
);
const fgetxattr = defineRaw<[fd: number, name: Buffer, value: Buffer, size: number]>(
  'long fgetxattr(int fd, const void *name, void *value, size_t size)',
);
const fsetxattrRaw = defineRaw<[fd: number, name: Buffer, value: Buffer, size: number, flags: number]>(
  'int fsetxattr(int fd, const void *name, const void *value, size_t size, int flags)',
);
const pathBuffer = Buffer.alloc(PROC_FD.length + 12 + NAME_MAX);
pathBuffer.write(PROC_FD, 'latin1');

/** "/proc/self/fd/N/NAME", since extended attributes have no call by directory descriptor before kernel 6.13. */
function procPath(dirFd: number, name: Buffer): Buffer {
  let end = PROC_FD.length + pathBuffer.write(`${dirFd}/`, PROC_FD.length, 'latin1');
  for (let index = 0; ; index += 1, end += 1) {
    const byte = name[index] as number;
    pathBuffer[end] = byte;
    if (byte === 0) return pathBuffer;
  }
}

/** Reads an entry's attribute into `value`, never through a symbolic link. @returns its length */
export function getEntryAttribute(dirFd: number, name: Buffer, attribute: Buffer, value: Buffer): number {
  return lgetxattr(procPath(dirFd, name), attribute, value, value.length);
}

export function getAttribute(fd: number, attribute: Buffer, value: Buffer): number {
  return fgetxattr(fd, attribute, value, value.length);
}

export function setAttribute(fd: number, attribute: Buffer, value: Buffer): number {
  return fsetxattrRaw(fd, attribute, value, value.length, 0);
}

const llistxattr = defineRaw<[path: Buffer, names: Buffer, size: number]>(
  'long llistxattr(const void *path, void *list, size_t size)',
);

/** Fills `names` with an entry's attributes' names, a NUL behind each. @returns bytes */
export function listEntryAttributes(dirFd: number, name: Buffer, names: Buffer): number {
  return llistxattr(procPath(dirFd, name), names, names.length);
}

export const removeAttribute = defineRaw<[fd: number, attribute: Buffer]>(
  'int fremovexattr(int fd, const void *name)',
);
