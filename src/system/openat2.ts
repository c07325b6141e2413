/** openat2(2): opens a path that may not leave its directory, nor, for most of us, lead through a symbolic link. */
import { define, defineRaw } from './libc.ts';

/** Names a file without opening it: needs no permission on the file itself. open(2) */
export const O_PATH = 0o10000000;
/** Makes a file without a name, in the directory that is opened. open(2) */
export const O_TMPFILE = 0o20200000;

const SYS_openat2 = 437;
const RESOLVE_NO_XDEV = 0x01n;
const RESOLVE_NO_MAGICLINKS = 0x02n;
const RESOLVE_NO_SYMLINKS = 0x04n;
const RESOLVE_BENEATH = 0x08n;
const RESOLVE_INSIDE = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
const RESOLVE = RESOLVE_INSIDE | RESOLVE_NO_SYMLINKS;
const O_CLOEXEC = 0o2000000;
const EAGAIN = 11;

const openat2 = define<
  [number: typeof SYS_openat2, dirFd: number, path: Buffer, how: BigUint64Array, size: number]
>('long syscall(long number, int dirfd, const void *path, const void *how, size_t size)');

/** A rename elsewhere during the walk answers EAGAIN, since the kernel cannot tell whether it led out. */
const ATTEMPTS = 100;

function openResolved(dirFd: number, path: string | Buffer, flags: number, resolve: bigint): number {
  const bytes = Buffer.concat([Buffer.from(path), Buffer.of(0)]);
  // struct open_how: flags, mode, resolve.
  const how = BigUint64Array.of(BigInt(flags | O_CLOEXEC), 0n, resolve);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return openat2(SYS_openat2, dirFd, bytes, how, how.byteLength);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || attempt === ATTEMPTS) throw error;
    }
  }
}

/**
 * Opens `path` beneath the directory `dirFd`, close-on-exec. Every `..` that stays beneath is fine.
 *
 * @param flags of open(2), without O_CREAT
 * @throws SystemError: ELOOP for a symbolic link anywhere in the path, EXDEV for a path that leads out
 */
export function openBeneath(dirFd: number, path: string | Buffer, flags: number): number {
  return openResolved(dirFd, path, flags, RESOLVE);
}

/** The same, but symbolic links are followed as long as they lead nowhere else, not even by an absolute target. */
export function openInside(dirFd: number, path: string | Buffer, flags: number): number {
  return openResolved(dirFd, path, flags, RESOLVE_INSIDE);
}

const openat2Raw = defineRaw<
  [number: typeof SYS_openat2, dirFd: number, path: Buffer, how: BigUint64Array, size: number]
>('long syscall(long number, int dirfd, const void *path, const void *how, size_t size)');
const entryHow = BigUint64Array.of(0n, 0n, RESOLVE | RESOLVE_NO_XDEV);

/**
 * Opens a directory's entry, close-on-exec, on the same file system only.
 *
 * @param name with a NUL behind it
 * @param flags of open(2), which may say O_CREAT and O_TMPFILE
 * @returns the descriptor, or the negative errno
 */
export function openEntry(dirFd: number, name: Buffer, flags: number, mode = 0): number {
  entryHow[0] = BigInt(flags | O_CLOEXEC);
  entryHow[1] = BigInt(mode);
  for (let attempt = 1; ; attempt += 1) {
    const result = openat2Raw(SYS_openat2, dirFd, name, entryHow, entryHow.byteLength);
    if (result !== -EAGAIN || attempt === ATTEMPTS) return result;
  }
}
