/** The signals that this thread does not get (pthread_sigmask(3)); execve(2) passes them on. */
import { constants } from 'node:os';
import { define } from './libc.ts';

const SIG_UNBLOCK = 1;
/** sigset_t of the C library: more bits than the kernel has signals. */
const SET_BYTES = 128;
const mask = define<[how: number, set: Buffer, old: null]>(
  'int pthread_sigmask(int how, const void *set, void *old)',
);

/** Lets a signal through, also one that came meanwhile. */
export function unblockSignal(signal: NodeJS.Signals): void {
  const set = Buffer.alloc(SET_BYTES);
  const bit = constants.signals[signal] - 1;
  set[bit >> 3] = 1 << (bit & 7);
  mask(SIG_UNBLOCK, set, null);
}
