/** File descriptors: locks, inheritance and the state of the other side. */
import { define, defineBlocking } from './libc.ts';

/** flock(2) operations. */
export const LOCK_SH = 1;
export const LOCK_EX = 2;
export const LOCK_NB = 4;
export const LOCK_UN = 8;

export const flock = define<[fd: number, operation: number]>('int flock(int fd, int operation)');
export const flockInThread = defineBlocking<[fd: number, operation: number]>(
  'int flock(int fd, int operation)',
);

const CLOSE_RANGE_CLOEXEC = 4;
const closeRange = define<[first: number, last: number, flags: number]>(
  'int close_range(unsigned int first, unsigned int last, int flags)',
);

/** Marks the descriptors `first` to `last` close-on-exec. */
export function closeOnExec(first: number, last = 0xffffffff): void {
  closeRange(first, last, CLOSE_RANGE_CLOEXEC);
}

const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
const fcntl = define<[fd: number, command: number, type: 'int', value: number]>(
  'int fcntl(int fd, int command, ...)',
);

const dup2 = define<[from: number, to: number]>('int dup2(int from, int to)');

/** Lets a program that replaces this process have the descriptor `fd`, as number `as`. */
export function passOn(fd: number, as: number): void {
  dup2(fd, as);
  fcntl(as, F_SETFD, 'int', 0);
}

export function setBlocking(fd: number): void {
  const flags = fcntl(fd, F_GETFL, 'int', 0);
  if (flags & O_NONBLOCK) fcntl(fd, F_SETFL, 'int', flags & ~O_NONBLOCK);
}

export function setNonBlocking(fd: number): void {
  const flags = fcntl(fd, F_GETFL, 'int', 0);
  if (!(flags & O_NONBLOCK)) fcntl(fd, F_SETFL, 'int', flags | O_NONBLOCK);
}

const POLLERR = 0x008;
const POLLHUP = 0x010;
const pollPrototype = 'int poll(void *fds, unsigned long count, int timeout)';
const poll = define<[fds: Buffer, count: number, timeoutMs: number]>(pollPrototype);
const pollInThread = defineBlocking<[fds: Buffer, count: number, timeoutMs: number]>(pollPrototype);

/** A struct pollfd[] that asks for no event, so that only an error or a hang-up is reported. */
function pollfds(fds: readonly number[]): Buffer {
  const buffer = Buffer.alloc(fds.length * 8);
  for (const [index, fd] of fds.entries()) buffer.writeInt32LE(fd, index * 8);
  return buffer;
}

/** Whether the other side of one of these descriptors is gone (POLLHUP or POLLERR). */
export function isBroken(fds: readonly number[]): boolean {
  const buffer = pollfds(fds);
  poll(buffer, fds.length, 0);
  return fds.some((_, index) => (buffer.readInt16LE(index * 8 + 6) & (POLLERR | POLLHUP)) !== 0);
}

/** Resolves when the other side of one of these descriptors is gone; keeps a thread until then. */
export async function whenBroken(fds: readonly number[]): Promise<void> {
  await pollInThread(pollfds(fds), fds.length, -1);
}
