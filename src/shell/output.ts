/** Writing to the user: synchronous, so that nothing is lost when another program replaces this process. */
import fs from 'node:fs';

const RETRY_MS = 5;

/** Writes all of the text. @returns false if the reader is gone, which is no more of an error than SIGPIPE would be */
function writeAll(fd: number, text: string | Buffer): boolean {
  let rest = typeof text === 'string' ? Buffer.from(text) : text;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(fs.writeSync(fd, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return false;
      // The caller gave us a non-blocking descriptor whose reader is slow.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
  return true;
}

/** @returns false if the reader is gone */
export function writeOut(text: string | Buffer): boolean {
  return writeAll(1, text);
}

export function writeError(text: string | Buffer): void {
  writeAll(2, text);
}

/** The output of a listing command for programs. `version` moves when a field changes its meaning. */
export function writeJson(value: object): void {
  writeOut(`${JSON.stringify({ version: 1, ...value })}\n`);
}
