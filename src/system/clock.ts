/** Whether the kernel's clock is set by another one (adjtimex(2), uapi/linux/timex.h). */
import { define, SystemError } from './libc.ts';

const adjtimex = define<[timex: Buffer]>('int adjtimex(void *buf)');

/** struct timex of 64-bit kernels. */
const TIMEX_BYTES = 208;

/** What adjtimex answers for a clock that is not. */
const TIME_ERROR = 5;

/** undefined where we may not ask, as in some containers. */
export function isClockSynchronized(): boolean | undefined {
  try {
    // Its first field says what to change: nothing.
    return adjtimex(Buffer.alloc(TIMEX_BYTES)) !== TIME_ERROR;
  } catch (error) {
    if (error instanceof SystemError) return undefined;
    throw error;
  }
}
