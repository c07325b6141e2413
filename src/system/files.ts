/**
 * Files by directory descriptor and name, for what Node's fs lacks: nanoseconds, handles, entries with their
 * positions. Names are bytes with a NUL behind them. Functions return the negative errno on failure, since
 * on these paths failures are everyday answers.
 */
import { addressOf, defineBlocking, defineRaw } from './libc.ts';

export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;
const AT_SYMLINK_FOLLOW = 0x400;
export const AT_EMPTY_PATH = 0x1000;

/** File types in st_mode: inode(7). */
export const S_IFMT = 0o170000;
export const S_IFDIR = 0o040000;
export const S_IFREG = 0o100000;

/** The empty name. */
export const NOTHING = Buffer.alloc(1);
export const NAME_MAX = 255;
export const PROC_FD = '/proc/self/fd/';

/** Puts a NUL behind names; each is valid until the next use of the same one. */
export class CName {
  private readonly buffer = Buffer.alloc(NAME_MAX + 1);

  /** @param name at most 255 bytes */
  bytes(name: Uint8Array): Buffer {
    this.buffer.set(name);
    this.buffer[name.length] = 0;
    return this.buffer;
  }

  /** @param name bytes as latin1 characters */
  latin1(name: string): Buffer {
    this.buffer.write(name, 'latin1');
    this.buffer[name.length] = 0;
    return this.buffer;
  }
}

/** Since 1970; seconds are negative before. */
export interface Timespec {
  readonly seconds: number;
  readonly nanoseconds: number;
}

const MAX_HANDLE_SZ = 128;
const nameToHandle = defineRaw<[dirFd: number, name: Buffer, handle: Buffer, mountId: Buffer, flags: number]>(
  'int name_to_handle_at(int dirfd, const void *name, void *handle, void *mount_id, int flags)',
);
const handleBuffer = Buffer.alloc(8 + MAX_HANDLE_SZ);
const mountId = Buffer.alloc(8);

function handle(fd: number, name: Buffer, flags: number): Buffer | number {
  handleBuffer.writeUInt32LE(MAX_HANDLE_SZ, 0);
  const result = nameToHandle(fd, name, handleBuffer, mountId, flags);
  // struct file_handle: u32 handle_bytes, s32 handle_type, and the bytes.
  return result < 0 ? result : handleBuffer.subarray(4, 8 + handleBuffer.readUInt32LE(0));
}

/** The file system's own handle with its type in front (name_to_handle_at(2)): valid until the next call. */
export function entryHandle(dirFd: number, name: Buffer): Buffer | number {
  return handle(dirFd, name, 0);
}

export function descriptorHandle(fd: number): Buffer | number {
  return handle(fd, NOTHING, AT_EMPTY_PATH);
}

const lseek = defineRaw<[fd: number, offset: bigint | number, whence: number]>(
  'int64_t lseek(int fd, int64_t offset, int whence)',
);
const getdents64 = defineRaw<[fd: number, entries: Buffer, size: number]>(
  'long getdents64(int fd, void *dirp, size_t count)',
);

/** Moves a directory descriptor to where `d_off` of an entry pointed; 0 is the begin. */
export function seekDirectory(fd: number, position: bigint): number {
  // A position may be a BigInt, as they have up to 63 bits.
  const result: number | bigint = lseek(fd, position, 0);
  return result < 0 ? Number(result) : 0;
}

const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/** Where the next data begin, from `offset` on. @returns -ENXIO when only a hole follows */
export function seekData(fd: number, offset: number): number {
  return lseek(fd, offset, SEEK_DATA);
}

/** Where the next hole begins; the end of the file counts as one. */
export function seekHole(fd: number, offset: number): number {
  return lseek(fd, offset, SEEK_HOLE);
}

/** Fills a buffer with struct linux_dirent64. @returns bytes, 0 at the end */
export function readEntries(fd: number, buffer: Buffer): number {
  return getdents64(fd, buffer, buffer.length);
}

export const makeDirectory = defineRaw<[dirFd: number, name: Buffer, mode: number]>(
  'int mkdirat(int dirfd, const void *path, unsigned int mode)',
);

/** @param flags 0 or AT_REMOVEDIR */
export const unlinkEntry = defineRaw<[dirFd: number, name: Buffer, flags: number]>(
  'int unlinkat(int dirfd, const void *path, int flags)',
);

export const renameEntry = defineRaw<[fromFd: number, from: Buffer, toFd: number, to: Buffer]>(
  'int renameat(int olddirfd, const void *oldpath, int newdirfd, const void *newpath)',
);

const linkat = defineRaw<[fromFd: number, from: Buffer, toFd: number, to: Buffer, flags: number]>(
  'int linkat(int olddirfd, const void *oldpath, int newdirfd, const void *newpath, int flags)',
);

/** Gives a file that a descriptor stands for a name: also one without any, made by O_TMPFILE. */
export function linkDescriptor(fd: number, dirFd: number, name: Buffer): number {
  const path = Buffer.from(`${PROC_FD}${fd}\0`, 'latin1');
  return linkat(AT_FDCWD, path, dirFd, name, AT_SYMLINK_FOLLOW);
}

export const makeSymlink = defineRaw<[target: Buffer, dirFd: number, name: Buffer]>(
  'int symlinkat(const void *target, int newdirfd, const void *linkpath)',
);

const readlinkat = defineRaw<[dirFd: number, name: Buffer, target: Buffer, size: number]>(
  'long readlinkat(int dirfd, const void *path, void *buf, size_t bufsiz)',
);

/** @returns bytes of the target in `target` */
export function readSymlink(dirFd: number, name: Buffer, target: Buffer): number {
  return readlinkat(dirFd, name, target, target.length);
}

export const changeMode = defineRaw<[fd: number, mode: number]>('int fchmod(int fd, unsigned int mode)');

export const truncate = defineRaw<[fd: number, length: number]>('int ftruncate(int fd, int64_t length)');

const utimensat = defineRaw<[dirFd: number, name: Buffer, times: BigInt64Array, flags: number]>(
  'int utimensat(int dirfd, const void *path, const void *times, int flags)',
);
const UTIME_NOW = 0x3fffffffn;
const UTIME_OMIT = 0x3ffffffen;
const times = new BigInt64Array(4);

function putTime(index: number, time: Timespec | 'now' | undefined): void {
  const isTime = typeof time === 'object';
  times[index] = isTime ? BigInt(time.seconds) : 0n;
  times[index + 1] = isTime ? BigInt(time.nanoseconds) : time === 'now' ? UTIME_NOW : UTIME_OMIT;
}

/** Sets an entry's own times; undefined leaves one alone. */
export function setTimes(
  dirFd: number,
  name: Buffer,
  atime: Timespec | 'now' | undefined,
  mtime: Timespec | 'now' | undefined,
): number {
  putTime(0, atime);
  putTime(2, mtime);
  return utimensat(dirFd, name, times, AT_SYMLINK_NOFOLLOW);
}

const futimens = defineRaw<[fd: number, times: BigInt64Array]>('int futimens(int fd, const void *times)');

/** The same for what a descriptor stands for. */
export function setDescriptorTimes(
  fd: number,
  atime: Timespec | 'now' | undefined,
  mtime: Timespec | 'now' | undefined,
): number {
  putTime(0, atime);
  putTime(2, mtime);
  return futimens(fd, times);
}

export const readAt = defineRaw<[fd: number, buffer: Buffer, count: number, offset: number]>(
  'long pread(int fd, void *buf, size_t count, int64_t offset)',
);

export const writeAt = defineRaw<[fd: number, data: Buffer, count: number, offset: number]>(
  'long pwrite(int fd, const void *buf, size_t count, int64_t offset)',
);

const RWF_NOWAIT = 8;
const preadv2 = defineRaw<[fd: number, vector: BigUint64Array, count: number, offset: number, flags: number]>(
  'long preadv2(int fd, const void *iov, int iovcnt, int64_t offset, int flags)',
);

/** A buffer that preadv2(2) can fill: reads only what is in the page cache. */
export class CacheReader {
  readonly buffer: Buffer;
  private readonly vector: BigUint64Array;

  /** @param size bytes */
  constructor(size: number) {
    this.buffer = Buffer.allocUnsafeSlow(size);
    this.vector = BigUint64Array.of(addressOf(this.buffer), 0n);
  }

  /** @returns bytes read; -EAGAIN when the data are not in memory, -EOPNOTSUPP when the file system cannot tell */
  read(fd: number, count: number, offset: number): number {
    this.vector[1] = BigInt(count);
    return preadv2(fd, this.vector, 1, offset, RWF_NOWAIT);
  }
}

export const closeDescriptor = defineRaw<[fd: number]>('int close(int fd)');

/** A second name for an entry, also for a symbolic link. */
export function linkEntry(fromFd: number, from: Buffer, toFd: number, to: Buffer): number {
  return linkat(fromFd, from, toFd, to, 0);
}

const RENAME_EXCHANGE = 2;
const renameat2 = defineRaw<[fromFd: number, from: Buffer, toFd: number, to: Buffer, flags: number]>(
  'int renameat2(int olddirfd, const void *oldpath, int newdirfd, const void *newpath, unsigned int flags)',
);

/** Each of two entries gets the other's name, at once. @returns -EINVAL where the file system cannot */
export function exchangeEntries(oneFd: number, one: Buffer, otherFd: number, other: Buffer): number {
  return renameat2(oneFd, one, otherFd, other, RENAME_EXCHANGE);
}

/** Waits until all of the descriptor's file system is on disk: syncfs(2). */
export const syncFileSystem = defineRaw<[fd: number]>('int syncfs(int fd)');
export const syncInThread = defineBlocking<[fd: number]>('int syncfs(int fd)');
