/**
 * Files of a root file system by the paths that its own system would use. Links count as they are stored, and lead
 * nowhere else than into the same tree: nothing here follows a link of this machine's.
 */
import fs from 'node:fs';
import { check, FileError } from '../system/file-error.ts';
import { readAt } from '../system/files.ts';
import { Listing } from '../system/listing.ts';
import { openDirectory } from './entries.ts';
import { RootError } from './errors.ts';
import { FileType } from './file-type.ts';
import type { Ids } from './owner.ts';
import { openContent, readAttributes, readStored, readTarget, type StoredFile } from './stored-file.ts';

/** Links on one way, as in the kernel (path_resolution(7)). */
const MAX_LINKS = 40;
/** PATH_MAX */
const MAX_PATH = 4096;
/** Entries that are looked at in all: trees of links and deep directories could keep us busy for days. */
const MAX_LOOKS = 100_000;
/** Names of a directory that are looked at. */
const MAX_NAMES = 5000;
/** What stands for no file at all on the way to one. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EACCES', 'EXDEV']);

/** A file that was found. */
export interface Found {
  /** From the top, with all links followed: `usr/lib/systemd/systemd`; empty for the top. Bytes as latin1 characters. */
  readonly path: string;
  readonly file: StoredFile;
}

function bytes(text: string): Buffer {
  return Buffer.from(`${text}\0`, 'latin1');
}

/** Names on the way, without those that stand for nothing. */
function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

export class StoredTree {
  private readonly top: number;
  private readonly unattributed: Ids;
  private left = MAX_LOOKS;

  /** @param top its directory, which stays open @param unattributed owner and group of files without a stored owner */
  constructor(top: number, unattributed: Ids) {
    this.top = top;
    this.unattributed = unattributed;
  }

  /** Does something in a directory. @param path without links @returns undefined if there is no such directory */
  private within<T>(path: string, work: (fd: number) => T): T | undefined {
    let fd: number | undefined;
    try {
      fd = openDirectory(this.top, bytes(path || '.'));
      return work(fd);
    } catch (error) {
      if (error instanceof FileError && ABSENT.has(error.code)) return undefined;
      throw error;
    } finally {
      if (fd !== undefined) fs.closeSync(fd);
    }
  }

  /** An entry, and where it leads if it is a link. @throws RootError */
  private entry(
    directory: string,
    name: string,
  ): { file: StoredFile; target: string | undefined } | undefined {
    this.left -= 1;
    if (this.left < 0) throw new RootError('The root has too many links and directories to look at');
    return this.within(directory, (fd) => {
      const file = readStored(fd, bytes(name), this.unattributed);
      if (file === undefined) return undefined;
      const isLink = file.owner.type === FileType.symlink;
      return { file, target: isLink ? readTarget(fd, bytes(name), file).toString('latin1') : undefined };
    });
  }

  /** @param path absolute, or from the top; bytes as latin1 characters @param follow whether a link at its end counts as what it leads to */
  find(path: string, follow = true): Found | undefined {
    const left = namesOf(path).reverse();
    let [done, links]: [string[], number] = [[], 0];
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      if (name === '..') {
        done.pop();
        continue;
      }
      const entry = this.entry(done.join('/'), name);
      if (entry === undefined) return undefined;
      const { target } = entry;
      if (target === undefined || (left.length === 0 && !follow)) {
        done.push(name);
        continue;
      }
      links += 1;
      left.push(...namesOf(target).reverse());
      if (links > MAX_LINKS || left.join('/').length > MAX_PATH) return undefined;
      if (target.startsWith('/')) done = [];
    }
    const entry = this.entry(done.slice(0, -1).join('/'), done.at(-1) ?? '.');
    return entry && { path: done.join('/'), file: entry.file };
  }

  /** Where a link leads, as it is written; undefined for what is no link. */
  target(path: string): string | undefined {
    const found = this.find(path, false);
    if (found === undefined) return undefined;
    const names = found.path.split('/');
    return this.entry(names.slice(0, -1).join('/'), names.at(-1) || '.')?.target;
  }

  /** The begin of a regular file. @param length bytes at most @returns undefined if there is none */
  read(path: string, length: number, offset = 0): Buffer | undefined {
    const found = this.find(path);
    if (found?.file.owner.type !== FileType.regular) return undefined;
    const names = found.path.split('/');
    return this.within(names.slice(0, -1).join('/'), (fd) => {
      const content = openContent(fd, bytes(names.at(-1) ?? ''));
      try {
        const buffer = Buffer.alloc(Math.min(length, Math.max(content.stat.size - offset, 0)));
        return buffer.subarray(0, check(readAt(content.fd, buffer, buffer.length, offset)));
      } finally {
        fs.closeSync(content.fd);
      }
    });
  }

  /** A text file of at most 256 KiB; of a longer one the begin. */
  text(path: string): string | undefined {
    return this.read(path, 256 * 1024)?.toString('utf8');
  }

  /** Names in a directory, in order, 5000 at most; none if there is no such directory. Bytes as latin1 characters. */
  names(path: string): string[] {
    const found = this.find(path);
    if (found?.file.owner.type !== FileType.directory) return [];
    const names = this.within(found.path, (fd) => {
      const listing = new Listing(fd);
      const names: string[] = [];
      for (let entry = listing.next(); entry && names.length < MAX_NAMES; entry = listing.next()) {
        const name = entry.name.toString('latin1');
        if (name !== '.' && name !== '..') names.push(name);
      }
      return names;
    });
    return (names ?? []).sort();
  }

  /** Whether a file has an extended attribute that the board's system has under this name. */
  hasAttribute(path: string, name: string): boolean {
    const found = this.find(path, false);
    if (found === undefined) return false;
    const names = found.path.split('/');
    const entry = bytes(names.at(-1) || '.');
    const attributes = this.within(names.slice(0, -1).join('/'), (fd) =>
      readAttributes(fd, entry, found.file),
    );
    return attributes?.xattrs.has(name) === true;
  }

  exists(path: string): boolean {
    return this.find(path) !== undefined;
  }
}
