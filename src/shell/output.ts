/** Writing to the user: synchronous, so that nothing is lost when another program replaces this process. */
import fs from 'node:fs';
import { errorWords } from '../system/error-words.ts';
import { CommandError } from './errors.ts';

const RETRY_MS = 5;

/** What pipes, sockets and terminals say when nobody reads any more: no more of an error than SIGPIPE would be. */
function isReaderGone(fd: number, code: string | undefined): boolean {
  if (code === 'EPIPE' || code === 'ECONNRESET') return true;
  // Of a file it is a broken disk's. Loaded when it is wanted: it takes as long as a tenth of a start.
  return code === 'EIO' && process.getBuiltinModule('node:tty').isatty(fd);
}

/** Writes all of the text. @returns false if the reader is gone @throws what else the system says, as of a full disk */
function writeAll(fd: number, text: string | Buffer): boolean {
  let rest = typeof text === 'string' ? Buffer.from(text) : text;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(fs.writeSync(fd, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (isReaderGone(fd, code)) return false;
      if (code !== 'EAGAIN') throw error;
      // The caller gave us a non-blocking descriptor whose reader is slow.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
  return true;
}

/** @returns false if the reader is gone @throws CommandError if not all of it can be written */
export function writeOut(text: string | Buffer): boolean {
  try {
    return writeAll(1, text);
  } catch (error) {
    throw new CommandError(`Not all of the output was written: ${errorWords(error)}`);
  }
}

export function writeError(text: string | Buffer): void {
  try {
    writeAll(2, text);
  } catch {
    // There is nobody left to tell.
  }
}

/** The output of a listing command for programs. `version` moves when a field changes its meaning. */
export function writeJson(value: object): void {
  writeOut(`${JSON.stringify({ version: 1, ...value })}\n`);
}
