/** Reads and writes what owner.ts defines: the attribute in which a file's owner, mode and type are stored. */

import {
  getAttribute,
  getEntryAttribute,
  removeAttribute,
  setAttribute,
} from '../system/extended-attributes.ts';
import { check } from '../system/file-error.ts';
import { changeMode, S_IFDIR, S_IFMT, S_IFREG } from '../system/files.ts';
import { withMask } from '../tar/rsync-acl.ts';
import { ATTRIBUTE, formatOwner, type Ids, isPlain, type Owner, parseOwner, realMode } from './owner.ts';

const value = Buffer.alloc(256);
const ENODATA = 61;
const ERANGE = 34;
const EOPNOTSUPP = 95;
const ENOENT = 2;
const EACCES = 13;

/**
 * Answers that mean no attribute of ours: too long to be one; on a file that vanished, where the next look will tell;
 * or on one that was made without read permission, which we never do.
 */
const NONE = new Set([-ENODATA, -ERANGE, -EOPNOTSUPP, -ENOENT, -EACCES]);

function decode(length: number, realMode: number): Owner | undefined {
  if (NONE.has(length)) return undefined;
  return parseOwner(value.toString('latin1', 0, check(length)), realMode);
}

/** Of an entry, whatever it is. Real links, FIFOs and the like cannot carry the attribute. */
export function readEntryOwner(dirFd: number, name: Buffer, realMode: number): Owner | undefined {
  const format = realMode & S_IFMT;
  if (format !== S_IFREG && format !== S_IFDIR) return undefined;
  return decode(getEntryAttribute(dirFd, name, ATTRIBUTE, value), realMode);
}

export function readOwner(fd: number, realMode: number): Owner | undefined {
  return decode(getAttribute(fd, ATTRIBUTE, value), realMode);
}

export function writeAttribute(fd: number, owner: Owner): void {
  check(setAttribute(fd, ATTRIBUTE, Buffer.from(formatOwner(owner))));
}

/** Makes `owner` what the file's attribute and real mode tell. The attribute is what counts, so it is never missing. */
export function storeOwner(fd: number, owner: Owner, unattributed: Ids): void {
  const mode = realMode(owner);
  const plain = isPlain(owner, unattributed);
  if (!plain) writeAttribute(fd, owner);
  // Also when it is the same: ctime moves with every change that was asked for.
  check(changeMode(fd, mode));
  if (!plain) return;
  const removed = removeAttribute(fd, ATTRIBUTE);
  if (removed !== -ENODATA) check(removed);
}

const ACCESS_ACL = Buffer.from('user.rsync.%aacl\0');
const acl = Buffer.alloc(65536);

/** Keeps a file's access ACL, if it has one, true to its mode: 12 bits before and after. */
export function storeMask(fd: number, before: number, mode: number): void {
  const length = getAttribute(fd, ACCESS_ACL, acl);
  if (length === -ENODATA) return;
  const changed = withMask(acl.subarray(0, check(length)), (before >> 3) & 7, (mode >> 3) & 7);
  if (changed !== undefined) check(setAttribute(fd, ACCESS_ACL, changed));
}
