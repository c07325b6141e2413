/** The entries of a directory, each behind its name in the order of bytes. */
import fs from 'node:fs';
import { check } from '../system/file-error.ts';
import { Listing } from '../system/listing.ts';
import { openEntry } from '../system/openat2.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
const SELF = Buffer.from('.\0');
const PARENT = Buffer.from('..\0');

/** @returns names with a NUL behind each, sorted, without `.` and `..` @throws FileError */
export function entryNames(fd: number): Buffer[] {
  const names: Buffer[] = [];
  const listing = new Listing(fd);
  for (let entry = listing.next(); entry !== undefined; entry = listing.next()) {
    const name = Buffer.concat([entry.name, Buffer.of(0)]);
    if (!name.equals(SELF) && !name.equals(PARENT)) names.push(name);
  }
  return names.sort(Buffer.compare);
}

/** @param name with a NUL behind it @returns the descriptor @throws FileError */
export function openDirectory(dirFd: number, name: Buffer): number {
  return check(openEntry(dirFd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
}

const SLASH = Buffer.from('/');

/** Levels that are gone down into: many more than anything real has, and as many as the call stack surely holds. */
const MAX_DEPTH = 1000;
const SLASH_BYTE = 0x2f;

/** What to say of a directory that lies too deep to go into it. */
export const TOO_DEEP = `has files more than ${MAX_DEPTH} directories deep`;

/** Whether what is in a directory lies too deep. @param path from the top */
export function isTooDeep(path: Buffer): boolean {
  let depth = path.length === 0 ? 0 : 1;
  for (const byte of path) if (byte === SLASH_BYTE) depth += 1;
  return depth > MAX_DEPTH;
}

/** Characters of a path in a message. */
const SHOWN = 200;

/** A path in a message: of a long one, both ends. */
export function shownPath(path: Buffer | string): string {
  const text = path.toString();
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN / 2)}...${text.slice(-SHOWN / 2)}`;
}

/** @param directory empty for the top @param name with a NUL behind it */
export function joinPath(directory: Buffer, name: Buffer): Buffer {
  const bare = name.subarray(0, -1);
  return directory.length === 0 ? Buffer.from(bare) : Buffer.concat([directory, SLASH, bare]);
}
