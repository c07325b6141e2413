/** Reads a file whose place others can write to: they may have put a FIFO, a device, or something endless there. */
import fs from 'node:fs';
import { refuse } from './file-error.ts';

const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = fs.constants;

const DEFAULT_MAX_BYTES = 1024 * 1024;

const CHUNK_BYTES = 64 * 1024;

/** What there is, whatever size it had: files grow, and those of /proc have none. */
function readAll(fd: number, maxBytes: number): Buffer {
  const chunks: Buffer[] = [];
  for (let length = 0; length <= maxBytes; ) {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    const count = fs.readSync(fd, chunk, 0, CHUNK_BYTES, null);
    if (count === 0) return Buffer.concat(chunks);
    length += count;
    chunks.push(chunk.subarray(0, count));
  }
  return refuse('EFBIG');
}

/**
 * Follows symbolic links. Never waits, and opens nothing but a regular file.
 *
 * @returns undefined where there is none
 * @throws an error with an errno's name in `code`; ENOTREG for what is no regular file, EFBIG for one over `maxBytes`
 */
export function readRegularFile(file: string, maxBytes = DEFAULT_MAX_BYTES): Buffer | undefined {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  // Opening a device may do something.
  if (!stat.isFile()) refuse('ENOTREG');
  const fd = fs.openSync(file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  try {
    if (!fs.fstatSync(fd).isFile()) refuse('ENOTREG');
    return readAll(fd, maxBytes);
  } finally {
    fs.closeSync(fd);
  }
}
