/** statx(2), with nanoseconds. Functions return the negative errno on failure, as those of files.ts do. */
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, NOTHING, type Timespec } from './files.ts';
import { defineRaw } from './libc.ts';

/** struct statx of statx(2). */
export interface Stat {
  /** Type and permissions. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly ino: number;
  /** Bytes. */
  readonly size: number;
  /** Units of 512 bytes. */
  readonly blocks: number;
  readonly rdevMajor: number;
  readonly rdevMinor: number;
  readonly devMajor: number;
  readonly devMinor: number;
  readonly atime: Timespec;
  readonly mtime: Timespec;
  readonly ctime: Timespec;
}

const STATX_BASIC_STATS = 0x7ff;
const statxRaw = defineRaw<[dirFd: number, path: Buffer, flags: number, mask: number, out: Buffer]>(
  'int statx(int dirfd, const void *path, int flags, unsigned int mask, void *out)',
);
const statxBuffer = Buffer.alloc(256);
const words = new Uint32Array(statxBuffer.buffer, statxBuffer.byteOffset, 64);
const TWO_32 = 0x1_0000_0000;

/** Index of a 32-bit word in struct statx. */
const Word = {
  nlink: 4,
  uid: 5,
  gid: 6,
  mode: 7,
  ino: 8,
  size: 10,
  blocks: 12,
  atime: 16,
  ctime: 24,
  mtime: 28,
  rdevMajor: 32,
  rdevMinor: 33,
  devMajor: 34,
  devMinor: 35,
} as const;

function word(index: number): number {
  return words[index] as number;
}

function word64(index: number): number {
  return word(index + 1) * TWO_32 + word(index);
}

function timespec(index: number): Timespec {
  return { seconds: (word(index + 1) | 0) * TWO_32 + word(index), nanoseconds: word(index + 2) };
}

function decodeStat(): Stat {
  return {
    mode: word(Word.mode) & 0xffff,
    nlink: word(Word.nlink),
    uid: word(Word.uid),
    gid: word(Word.gid),
    ino: word64(Word.ino),
    size: word64(Word.size),
    blocks: word64(Word.blocks),
    rdevMajor: word(Word.rdevMajor),
    rdevMinor: word(Word.rdevMinor),
    devMajor: word(Word.devMajor),
    devMinor: word(Word.devMinor),
    atime: timespec(Word.atime),
    mtime: timespec(Word.mtime),
    ctime: timespec(Word.ctime),
  };
}

/** Of a directory's entry itself, also if it is a symbolic link. @returns a negative errno instead on failure */
export function statEntry(dirFd: number, name: Buffer): Stat | number {
  const result = statxRaw(dirFd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, statxBuffer);
  return result < 0 ? result : decodeStat();
}

/** Of what a descriptor stands for. */
export function statDescriptor(fd: number): Stat | number {
  const result = statxRaw(fd, NOTHING, AT_EMPTY_PATH, STATX_BASIC_STATS, statxBuffer);
  return result < 0 ? result : decodeStat();
}
