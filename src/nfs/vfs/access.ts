/** Who may do what, as a Linux NFS server decides (RFC 1813 §4.4; fs/nfsd/vfs.c). No I/O. */
import { FileType } from '../../rootfs/file-type.ts';
import type { Attributes, Credentials } from './attributes.ts';

/** Bits of a permission class. */
export const READ = 4;
export const WRITE = 2;
export const EXECUTE = 1;

export const S_ISUID = 0o4000;
export const S_ISGID = 0o2000;
export const S_ISVTX = 0o1000;
const S_IXGRP = 0o010;
const S_IXUGO = 0o111;

/** RFC 1813 §3.3.4 */
export const Access3 = { READ: 1, LOOKUP: 2, MODIFY: 4, EXTEND: 8, DELETE: 16, EXECUTE: 32 } as const;

export function isSuperuser({ uid }: Credentials): boolean {
  return uid === 0;
}

export function isMember({ gid, groups }: Credentials, group: number): boolean {
  return gid === group || groups.includes(group);
}

/** What the mode grants, before any rule about owners of open files. */
export function granted(caller: Credentials, { mode, uid, gid, type }: Attributes): number {
  if (isSuperuser(caller)) {
    const mayExecute = type === FileType.directory || (mode & S_IXUGO) !== 0;
    return mayExecute ? READ | WRITE | EXECUTE : READ | WRITE;
  }
  if (caller.uid === uid) return (mode >> 6) & 7;
  return isMember(caller, gid) ? (mode >> 3) & 7 : mode & 7;
}

export function permits(caller: Credentials, file: Attributes, wanted: number): boolean {
  return (granted(caller, file) & wanted) === wanted;
}

/** The owner may read an open file whatever its mode; and who may execute a program has to read it. */
export function mayRead(caller: Credentials, file: Attributes): boolean {
  return caller.uid === file.uid || (granted(caller, file) & (READ | EXECUTE)) !== 0;
}

/** The owner may write an open file whatever its mode. */
export function mayWrite(caller: Credentials, file: Attributes): boolean {
  return caller.uid === file.uid || permits(caller, file, WRITE);
}

/** In a sticky directory only the owners of the file and of the directory, and root, take an entry away. */
export function maySticky(caller: Credentials, directory: Attributes, entry: Attributes): boolean {
  if ((directory.mode & S_ISVTX) === 0 || isSuperuser(caller)) return true;
  return caller.uid === entry.uid || caller.uid === directory.uid;
}

/** ACCESS3 bits that are granted of those wanted. */
export function access3(caller: Credentials, file: Attributes, wanted: number): number {
  const bits = granted(caller, file);
  let result = 0;
  if (bits & READ) result |= Access3.READ;
  if (file.type === FileType.directory) {
    if (bits & EXECUTE) result |= Access3.LOOKUP;
    if ((bits & (WRITE | EXECUTE)) === (WRITE | EXECUTE)) {
      result |= Access3.MODIFY | Access3.EXTEND | Access3.DELETE;
    }
  } else {
    if (bits & WRITE) result |= Access3.MODIFY | Access3.EXTEND;
    if (bits & EXECUTE) result |= Access3.EXECUTE;
  }
  return result & wanted;
}

/** The mode after a write by somebody else than root, or after a change of owner: programs lose their set-id bits. */
export function withoutSetId(mode: number): number {
  const kept = mode & ~S_ISUID;
  return mode & S_IXGRP ? kept & ~S_ISGID : kept;
}
