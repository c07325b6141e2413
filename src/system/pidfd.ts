/** Processes by descriptors, which never mean another process when a number is used again (pidfd_open(2), kernel 5.3). */
import fs from 'node:fs';
import { define, defineBlocking } from './libc.ts';

const SYS_pidfd_open = 434;
const pidfdOpen = define<[number: typeof SYS_pidfd_open, pid: number, flags: number]>(
  'long syscall(long number, int pid, unsigned int flags)',
);

const POLLIN = 0x001;
const pollPrototype = 'int poll(void *fds, unsigned long count, int timeout)';
const poll = define<[fds: Buffer, count: number, timeoutMs: number]>(pollPrototype);
const pollInThread = defineBlocking<[fds: Buffer, count: number, timeoutMs: number]>(pollPrototype);

/** @returns undefined when there is no such process */
export function openProcess(pid: number): number | undefined {
  try {
    return pidfdOpen(SYS_pidfd_open, pid, 0);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // EINVAL: a number that no process has.
    if (code === 'ESRCH' || code === 'EINVAL') return undefined;
    throw error;
  }
}

/**
 * A number that no other process has until the next boot: the inode of its descriptor. Kernels before 6.9 answer the same
 * for all processes.
 */
export function processIdentity(pidfd: number): string {
  return String(fs.fstatSync(pidfd, { bigint: true }).ino);
}

const SYS_pidfd_send_signal = 424;
const pidfdSendSignal = define<
  [number: typeof SYS_pidfd_send_signal, pidfd: number, signal: number, info: null, flags: number]
>('long syscall(long number, int pidfd, int sig, void *info, unsigned int flags)');

/** @throws SystemError ESRCH when it has ended */
export function signalProcess(pidfd: number, signal: number): void {
  pidfdSendSignal(SYS_pidfd_send_signal, pidfd, signal, null, 0);
}

function pollfd(pidfd: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeInt32LE(pidfd, 0);
  buffer.writeInt16LE(POLLIN, 4);
  return buffer;
}

export function hasEnded(pidfd: number): boolean {
  return poll(pollfd(pidfd), 1, 0) > 0;
}

/** Resolves when the process has ended; keeps a thread until then. */
export async function whenEnded(pidfd: number): Promise<void> {
  await pollInThread(pollfd(pidfd), 1, -1);
}
