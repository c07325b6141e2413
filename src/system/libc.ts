/**
 * Declares functions of the C library, for the system calls that Node lacks. They throw a SystemError with the
 * errno's name, as Node's own fs does. Numbers beside their callers are those of the kernel's uapi headers for
 * x86-64 and arm64.
 */
import { constants } from 'node:os';
import koffi from 'koffi';

const libc = koffi.load(null);
// Two names share a number with a more usual one, which is to win.
const { EWOULDBLOCK: _again, EOPNOTSUPP: _notSupported, ...errnos } = constants.errno;
const errnoNames = new Map(Object.entries(errnos).map(([name, number]) => [number, name]));

/** A system call failed. `code` is the errno's name, as in Node's own errors. */
export class SystemError extends Error {
  readonly code: string;

  constructor(syscall: string, errno: number) {
    const code = errnoName(errno);
    super(`${syscall}: ${code}`);
    this.name = 'SystemError';
    this.code = code;
  }
}

/** The errno's name, as Node's own errors have it in `code`. */
export function errnoName(errno: number): string {
  return errnoNames.get(errno) ?? `errno ${errno}`;
}

/** The same as define, for paths where a failure is usual and an exception too slow: returns the negative errno. */
export function defineRaw<Args extends unknown[]>(prototype: string): (...args: Args) => number {
  let raw: ((...args: Args) => number) | undefined;
  return (...args) => {
    raw ??= libc.func(prototype) as (...args: Args) => number;
    const result = raw(...args);
    return result < 0 ? -koffi.errno() : result;
  };
}

/** The address of a buffer's memory, for a structure that points to it. The caller keeps the buffer alive. */
export function addressOf(buffer: Buffer): bigint {
  return koffi.address(buffer);
}

/** A function that returns an integer, and -1 with errno on failure. Looked up at the first call. */
export function define<Args extends unknown[]>(prototype: string): (...args: Args) => number {
  const name = /(\w+)\(/.exec(prototype)?.[1] ?? prototype;
  let raw: ((...args: Args) => number) | undefined;
  return (...args) => {
    raw ??= libc.func(prototype) as (...args: Args) => number;
    const result = raw(...args);
    if (result < 0) throw new SystemError(name, koffi.errno());
    return result;
  };
}

/** The same for a call that blocks: it runs in a thread of its own and answers by a promise. */
export function defineBlocking<Args extends unknown[]>(
  prototype: string,
): (...args: Args) => Promise<number> {
  const name = /(\w+)\(/.exec(prototype)?.[1] ?? prototype;
  return (...args) =>
    new Promise((resolve, reject) => {
      libc.func(prototype).async(...args, (error: Error | null, result: number) => {
        if (error) reject(error);
        else if (result < 0) reject(new Error(`${name} failed`));
        else resolve(result);
      });
    });
}
