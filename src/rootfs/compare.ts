/**
 * What differs between two root file systems, in the order of their paths. Files of equal size and time of change count
 * as equal, as in rsync's quick check; of others the content is read. Times alone are no difference.
 */
import fs from 'node:fs';
import { errorWords } from '../system/error-words.ts';
import { FileError } from '../system/file-error.ts';
import { readAt } from '../system/files.ts';
import { entryNames, isTooDeep, joinPath, openDirectory, shownPath, TOO_DEEP } from './entries.ts';
import { RootError } from './errors.ts';
import { FileType } from './file-type.ts';
import type { Ids } from './owner.ts';
import {
  openContent,
  readAttributes,
  readStored,
  readTarget,
  type StoredAttributes,
  type StoredFile,
} from './stored-file.ts';

export interface Difference {
  /** In the new tree only, in the old one only, or in both. */
  readonly kind: '+' | '-' | 'M';
  /** From the root; empty for the root itself. */
  readonly path: Buffer;
  readonly isDirectory: boolean;
  /** What differs in a file that is in both. */
  readonly what: readonly string[];
}

/** An entry on one side. */
interface Side {
  readonly dirFd: number;
  readonly name: Buffer;
  readonly file: StoredFile;
}

const TYPE_NAMES: Readonly<Record<FileType, string>> = {
  [FileType.regular]: 'file',
  [FileType.directory]: 'directory',
  [FileType.block]: 'block device',
  [FileType.character]: 'character device',
  [FileType.symlink]: 'symbolic link',
  [FileType.socket]: 'socket',
  [FileType.fifo]: 'FIFO',
};

const CHUNK = 1 << 20;
const oldChunk = Buffer.alloc(CHUNK);
const newChunk = Buffer.alloc(CHUNK);

function isContentEqual(old: Side, now: Side): boolean {
  const [{ size, mtime }, { size: newSize, mtime: newMtime }] = [old.file.stat, now.file.stat];
  if (size !== newSize) return false;
  if (mtime.seconds === newMtime.seconds && mtime.nanoseconds === newMtime.nanoseconds) return true;
  const { fd: oldFd } = openContent(old.dirFd, old.name);
  try {
    const { fd: newFd } = openContent(now.dirFd, now.name);
    try {
      return isReadEqual(oldFd, newFd);
    } finally {
      fs.closeSync(newFd);
    }
  } finally {
    fs.closeSync(oldFd);
  }
}

function isReadEqual(oldFd: number, newFd: number): boolean {
  for (let offset = 0; ; ) {
    const length = readAt(oldFd, oldChunk, CHUNK, offset);
    if (length !== readAt(newFd, newChunk, CHUNK, offset)) return false;
    if (length <= 0) return length === 0;
    if (oldChunk.compare(newChunk, 0, length, 0, length) !== 0) return false;
    offset += length;
  }
}

const octal = (mode: number): string => mode.toString(8).padStart(4, '0');

function isSame(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other);
}

function* attributeChanges(old: StoredAttributes, now: StoredAttributes): Generator<string> {
  const names = [...new Set([...old.xattrs.keys(), ...now.xattrs.keys()])].sort();
  const changed = names.filter((name) => !isSame(old.xattrs.get(name), now.xattrs.get(name)));
  if (changed.length > 0) yield `xattrs ${changed.join(' ')}`;
  if (!isSame(old.accessAcl, now.accessAcl)) yield 'ACL';
  if (!isSame(old.defaultAcl, now.defaultAcl)) yield 'default ACL';
}

function* contentChanges(old: Side, now: Side): Generator<string> {
  const [was, is] = [old.file.owner, now.file.owner];
  if (was.type === FileType.regular && !isContentEqual(old, now)) yield 'content';
  if (was.type === FileType.symlink) {
    const [target, newTarget] = [old, now].map((side) => readTarget(side.dirFd, side.name, side.file));
    if (!isSame(target, newTarget)) yield `target ${target} -> ${newTarget}`;
  } else if (was.mode !== is.mode) {
    yield `mode ${octal(was.mode)} -> ${octal(is.mode)}`;
  }
  if (was.major !== is.major || was.minor !== is.minor) {
    yield `device ${was.major}:${was.minor} -> ${is.major}:${is.minor}`;
  }
}

function* changes(old: Side, now: Side): Generator<string> {
  const [was, is] = [old.file.owner, now.file.owner];
  if (was.type !== is.type) yield `type ${TYPE_NAMES[was.type]} -> ${TYPE_NAMES[is.type]}`;
  else yield* contentChanges(old, now);
  if (was.uid !== is.uid || was.gid !== is.gid) yield `owner ${was.uid}:${was.gid} -> ${is.uid}:${is.gid}`;
  const [attributes, newAttributes] = [old, now].map((side) =>
    readAttributes(side.dirFd, side.name, side.file),
  ) as [StoredAttributes, StoredAttributes];
  yield* attributeChanges(attributes, newAttributes);
}

function isDirectory(side: Side | undefined): boolean {
  return side?.file.owner.type === FileType.directory;
}

/** The first path of each file that has several, by inode number. */
type FirstLinks = Map<number, string>;

class Comparison {
  private readonly unattributed: Ids;
  private readonly oldLinks: FirstLinks = new Map();
  private readonly newLinks: FirstLinks = new Map();

  constructor(unattributed: Ids) {
    this.unattributed = unattributed;
  }

  side(dirFd: number | undefined, name: Buffer): Side | undefined {
    const file = dirFd === undefined ? undefined : readStored(dirFd, name, this.unattributed);
    return dirFd === undefined || file === undefined ? undefined : { dirFd, name, file };
  }

  /** The path that all names of a file have in common; undefined for a file with one name. */
  private link(links: FirstLinks, side: Side | undefined, path: Buffer): string | undefined {
    if (side === undefined || isDirectory(side) || side.file.stat.nlink < 2) return undefined;
    const { ino } = side.file.stat;
    const known = links.get(ino);
    if (known === undefined) links.set(ino, path.toString('latin1'));
    return known;
  }

  *entry(old: Side | undefined, now: Side | undefined, path: Buffer): Generator<Difference> {
    const difference = this.difference(old, now, path);
    if (difference !== undefined) yield difference;
    if (isDirectory(old) || isDirectory(now)) yield* this.directory(old, now, path);
  }

  private difference(old: Side | undefined, now: Side | undefined, path: Buffer): Difference | undefined {
    const [link, newLink] = [this.link(this.oldLinks, old, path), this.link(this.newLinks, now, path)];
    if (old === undefined || now === undefined) {
      const side = old ?? now;
      if (side === undefined) return undefined;
      return { kind: old === undefined ? '+' : '-', path, isDirectory: isDirectory(side), what: [] };
    }
    const what = [...changes(old, now), ...(link === newLink ? [] : ['links'])];
    return what.length === 0 ? undefined : { kind: 'M', path, isDirectory: isDirectory(now), what };
  }

  private *directory(old: Side | undefined, now: Side | undefined, path: Buffer): Generator<Difference> {
    const fds = [old, now].map((side) =>
      side !== undefined && isDirectory(side) ? openDirectory(side.dirFd, side.name) : undefined,
    );
    try {
      const [oldFd, newFd] = fds;
      const names = mergedNames(fds);
      if (names.length > 0 && isTooDeep(path)) throw new RootError(`${shownPath(path)} ${TOO_DEEP}`);
      for (const name of names) {
        const entryPath = joinPath(path, name);
        yield* this.entry(this.side(oldFd, name), this.side(newFd, name), entryPath);
      }
    } catch (error) {
      throw error instanceof FileError ? readError(path, error) : error;
    } finally {
      for (const fd of fds) if (fd !== undefined) fs.closeSync(fd);
    }
  }
}

function mergedNames(fds: readonly (number | undefined)[]): Buffer[] {
  const [names = [], ...others] = fds.map((fd) => (fd === undefined ? [] : entryNames(fd)));
  const known = new Set(names.map((name) => name.toString('latin1')));
  const added = others.flat().filter((name) => !known.has(name.toString('latin1')));
  return [...names, ...added].sort(Buffer.compare);
}

function readError(path: Buffer, error: FileError): RootError {
  const { cause } = error;
  return new RootError(`Cannot read ${shownPath(path) || 'the root'}: ${errorWords(error)}`, 1, { cause });
}

/** Directories of the two trees, one of which may lack it, and the entry in them to begin with. */
export interface Comparands {
  readonly oldFd: number | undefined;
  readonly newFd: number | undefined;
  /** With a NUL behind it. */
  readonly name: Buffer;
  /** Of the entry, from the root. */
  readonly path: Buffer;
}

/** @param unattributed owner and group of files without a stored owner @throws RootError */
export function* differences(comparands: Comparands, unattributed: Ids): Generator<Difference> {
  const { oldFd, newFd, name, path } = comparands;
  const comparison = new Comparison(unattributed);
  const [old, now] = [comparison.side(oldFd, name), comparison.side(newFd, name)];
  if (old === undefined && now === undefined) throw new RootError(`Neither root has ${path}`);
  yield* comparison.entry(old, now, path);
}
