/** Whether a tree that was just unpacked can be meant as a root file system. */
import fs from 'node:fs';
import { check } from '../system/file-error.ts';
import { readAt, S_IFDIR, S_IFMT, S_IFREG } from '../system/files.ts';
import { openEntry } from '../system/openat2.ts';
import { statEntry } from '../system/statx.ts';
import { compressionOf, START_BYTES } from '../tar/compression.ts';
import { TarError } from '../tar/entry.ts';
import { isHeader } from '../tar/header.ts';
import { shown } from '../tar/shown.ts';
import { entryNames } from './entries.ts';
import { RootError } from './errors.ts';
import { openContent } from './stored-file.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;

/** Some of these are in every root file system, and hardly anywhere else. */
const TYPICAL = ['bin', 'sbin', 'usr', 'etc', 'lib', 'dev', 'init'];

function isArchive(dirFd: number, name: Buffer): boolean {
  const { fd } = openContent(dirFd, name);
  try {
    const start = Buffer.alloc(START_BYTES);
    const bytes = start.subarray(0, check(readAt(fd, start, start.length, 0)));
    return (bytes.length === START_BYTES && isHeader(bytes)) || compressionOf(bytes) !== 'none';
  } catch (error) {
    // It says what kind of archive it is.
    if (error instanceof TarError) return true;
    throw error;
  } finally {
    fs.closeSync(fd);
  }
}

function looksLikeRoot(dirFd: number, name: Buffer): boolean {
  const fd = check(openEntry(dirFd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  try {
    const names = new Set(entryNames(fd).map((entry) => entry.toString('latin1', 0, entry.length - 1)));
    return TYPICAL.filter((typical) => names.has(typical)).length > 1;
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * @param fd its top directory
 * @returns what its user ought to know
 * @throws RootError for an empty tree, and for one that holds nothing but an archive
 */
export function judgeContents(fd: number): string | undefined {
  const [name, ...others] = entryNames(fd);
  if (name === undefined)
    throw new RootError('The archive is empty; for an empty root there is "root reset"');
  if (others.length > 0) return undefined;
  const stat = statEntry(fd, name);
  const type = typeof stat === 'number' ? 0 : stat.mode & S_IFMT;
  const title = shown(name.subarray(0, -1));
  if (type === S_IFREG && isArchive(fd, name)) {
    throw new RootError(`The archive holds nothing but another one, ${title}: give that one to untar`);
  }
  if (type !== S_IFDIR || !looksLikeRoot(fd, name)) return undefined;
  return `The root file system lies in ${title}/: boards look for it at the top (tar -C ${title} -cf ... .)`;
}
