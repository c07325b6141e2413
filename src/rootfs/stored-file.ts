/** Reads a file of a root file system from what it is stored as. Hand-made trees may hold real links and devices too. */
import fs from 'node:fs';
import { getEntryAttribute, listEntryAttributes } from '../system/extended-attributes.ts';
import { check, expect, refuse } from '../system/file-error.ts';
import { readAt, readSymlink, S_IFDIR, S_IFMT, S_IFREG } from '../system/files.ts';
import { openEntry } from '../system/openat2.ts';
import { type Stat, statDescriptor, statEntry } from '../system/statx.ts';
import { FileType } from './file-type.ts';
import { type Ids, type Owner, typeOf } from './owner.ts';
import { readEntryOwner } from './ownership.ts';

/** An entry of a directory, as the system that boots from it sees it. */
export interface StoredFile {
  /** Of what it is stored as: mode and owner say nothing. */
  readonly stat: Stat;
  readonly owner: Owner;
}

const ENOENT = -2;

/**
 * @param name with a NUL behind it; `.` for the directory itself
 * @returns undefined if it has vanished
 * @throws FileError
 */
export function readStored(dirFd: number, name: Buffer, unattributed: Ids): StoredFile | undefined {
  const stat = statEntry(dirFd, name);
  if (stat === ENOENT) return undefined;
  return describe(dirFd, name, expect(stat), unattributed);
}

function describe(dirFd: number, name: Buffer, stat: Stat, { uid, gid }: Ids): StoredFile {
  const { mode, rdevMajor, rdevMinor } = stat;
  const owner = readEntryOwner(dirFd, name, mode) ?? {
    ...{ type: typeOf(mode) ?? FileType.regular, mode: mode & 0o7777, uid, gid },
    ...{ major: rdevMajor, minor: rdevMinor },
  };
  return { stat, owner };
}

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

/** Opens the content of a regular file, or of what is stored as one. @throws FileError */
export function openContent(dirFd: number, name: Buffer): { readonly fd: number; readonly stat: Stat } {
  const fd = check(openEntry(dirFd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  const stat = statDescriptor(fd);
  if (typeof stat !== 'number' && (stat.mode & S_IFMT) === S_IFREG) return { fd, stat };
  // Another file has taken its place.
  fs.closeSync(fd);
  return refuse('ENOENT');
}

const MAX_TARGET = 4096;

/** The target of a symbolic link. @throws FileError */
export function readTarget(dirFd: number, name: Buffer, { stat }: StoredFile): Buffer {
  const target = Buffer.alloc(MAX_TARGET);
  if ((stat.mode & S_IFMT) !== S_IFREG) return target.subarray(0, check(readSymlink(dirFd, name, target)));
  const { fd } = openContent(dirFd, name);
  try {
    return target.subarray(0, check(readAt(fd, target, target.length, 0)));
  } finally {
    fs.closeSync(fd);
  }
}

/** Extended attributes and ACLs as the board's system has them. */
export interface StoredAttributes {
  /** Names as latin1. */
  readonly xattrs: ReadonlyMap<string, Buffer>;
  /** In rsync's binary form. */
  readonly accessAcl: Buffer | undefined;
  readonly defaultAcl: Buffer | undefined;
}

const NO_ATTRIBUTES: StoredAttributes = { xattrs: new Map(), accessAcl: undefined, defaultAcl: undefined };

/** The prefix of what an unprivileged account cannot store under its own name. rsync(1), --fake-super */
const PREFIX = 'user.rsync.';
/** XATTR_LIST_MAX and XATTR_SIZE_MAX of the kernel, bytes. */
const names = Buffer.alloc(65536);
const value = Buffer.alloc(65536);
const ENODATA = -61;

/** @returns undefined for what is gone, or is no name of the board's */
function boardName(name: string): string | undefined {
  if (!name.startsWith('user.')) return undefined;
  if (!name.startsWith(PREFIX)) return name;
  return name.startsWith(`${PREFIX}%`) ? undefined : name.slice(PREFIX.length);
}

function attribute(dirFd: number, name: Buffer, attributeName: string): Buffer | undefined {
  const length = getEntryAttribute(dirFd, name, Buffer.from(`${attributeName}\0`, 'latin1'), value);
  return length === ENODATA ? undefined : Buffer.from(value.subarray(0, check(length)));
}

/** @throws FileError */
export function readAttributes(dirFd: number, name: Buffer, { stat }: StoredFile): StoredAttributes {
  const format = stat.mode & S_IFMT;
  // Real links, devices and the like carry none that are the board's.
  if (format !== S_IFREG && format !== S_IFDIR) return NO_ATTRIBUTES;
  const xattrs = new Map<string, Buffer>();
  const listed = names.toString('latin1', 0, check(listEntryAttributes(dirFd, name, names))).split('\0');
  for (const stored of listed.sort()) {
    const shown = boardName(stored);
    const found = shown === undefined ? undefined : attribute(dirFd, name, stored);
    if (shown !== undefined && found !== undefined) xattrs.set(shown, found);
  }
  const acl = (which: string) => {
    const stored = `${PREFIX}%${which}`;
    return listed.includes(stored) ? attribute(dirFd, name, stored) : undefined;
  };
  return { xattrs, accessAcl: acl('aacl'), defaultAcl: acl('dacl') };
}
