/** Reads a file of lines from its end, as far as somebody wants to know. */
import fs from 'node:fs';

const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = fs.constants;
const PIECE_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/**
 * Each line, the last one first; none for a file that is missing or no regular one.
 *
 * @param maxBytes are read at most: the file may be anything's
 */
export function* linesFromEnd(file: string, maxBytes: number): Generator<string> {
  let fd: number;
  try {
    fd = fs.openSync(file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    return;
  }
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) return;
    let rest: Buffer = Buffer.alloc(0);
    const end = Math.max(0, stat.size - maxBytes);
    for (let start = stat.size; start > end; ) {
      const length = Math.min(PIECE_BYTES, start - end);
      start -= length;
      const piece = Buffer.alloc(length);
      fs.readSync(fd, piece, 0, length, start);
      rest = Buffer.concat([piece, rest]);
      for (let at = rest.lastIndexOf(NEWLINE); at >= 0; at = rest.lastIndexOf(NEWLINE)) {
        yield rest.toString('utf8', at + 1);
        rest = rest.subarray(0, at);
      }
    }
    if (end === 0) yield rest.toString();
  } finally {
    fs.closeSync(fd);
  }
}
