/** What file operations throw: the errno's name in `code`, or one of the names below that errno lacks. */
import { errnoName } from './libc.ts';

/** A file operation was refused. One object for each code: these are everyday answers, and stacks are slow to take. */
export class FileError extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.name = 'FileError';
    this.code = code;
  }
}

const errors = new Map<string, FileError>();

/** @param code an errno's name; or EBADHANDLE, ENOTSYNC, EBADCOOKIE, EBADTYPE, ENOTSUPP of RFC 1813 §2.6 */
export function refuse(code: string): never {
  let error = errors.get(code);
  if (error === undefined) {
    error = new FileError(code);
    errors.set(code, error);
  }
  throw error;
}

/** Passes on what a system call answered. @throws FileError for a negative errno */
export function check(result: number): number {
  return result < 0 ? refuse(errnoName(-result)) : result;
}

/** The same for calls that answer something else than a number. */
export function expect<T extends object>(result: T | number): T {
  return typeof result === 'number' ? refuse(errnoName(-result)) : result;
}
