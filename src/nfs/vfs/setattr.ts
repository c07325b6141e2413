/** SETATTR: all of it is checked before any of it is done. RFC 1813 §3.3.2; fs/attr.c */

import { FileType } from '../../rootfs/file-type.ts';
import { check, refuse } from '../../system/file-error.ts';
import { setDescriptorTimes, setTimes, truncate } from '../../system/files.ts';
import { isMember, isSuperuser, mayWrite, permits, S_ISGID, WRITE, withoutSetId } from './access.ts';
import type { Attributes, Changes, Credentials, Time } from './attributes.ts';
import type { Inode } from './inode.ts';
import type { Volume } from './volume.ts';

/** @throws FileError EPERM, EACCES, EISDIR, EINVAL */
function checkChanges(caller: Credentials, file: Attributes, changes: Changes): void {
  const isOwner = isSuperuser(caller) || caller.uid === file.uid;
  const { mode, uid, gid, size, atime, mtime } = changes;
  if (size !== undefined) {
    if (file.type === FileType.directory) refuse('EISDIR');
    if (file.type !== FileType.regular) refuse('EINVAL');
    if (!mayWrite(caller, file)) refuse('EACCES');
    if (!Number.isSafeInteger(size)) refuse('EFBIG');
  }
  if ((mode !== undefined || uid !== undefined || gid !== undefined) && !isOwner) refuse('EPERM');
  if (uid !== undefined && uid !== file.uid && !isSuperuser(caller)) refuse('EPERM');
  if (gid !== undefined && gid !== file.gid && !isSuperuser(caller) && !isMember(caller, gid))
    refuse('EPERM');
  if (typeof atime === 'object' || typeof mtime === 'object') {
    if (!isOwner) refuse('EPERM');
  } else if ((atime ?? mtime) !== undefined && !isOwner && !permits(caller, file, WRITE)) refuse('EACCES');
}

/** The mode that results: programs lose their set-id bits with their owner. fs/nfsd/vfs.c nfsd_sanitize_attrs */
function modeAfter(caller: Credentials, file: Attributes, changes: Changes): number {
  const { mode = file.mode, uid, gid, size } = changes;
  const isChown = file.type !== FileType.directory && (uid !== undefined || gid !== undefined);
  const isWrite = size !== undefined && !isSuperuser(caller) && changes.mode === undefined;
  const kept = isChown || isWrite ? withoutSetId(mode) : mode;
  const group = gid ?? file.gid;
  const mayHaveGroup = changes.mode === undefined || isSuperuser(caller) || isMember(caller, group);
  return (mayHaveGroup ? kept : kept & ~S_ISGID) & 0o7777;
}

function setSize(volume: Volume, inode: Inode, size: number): void {
  const { fd } = volume.tree.file(inode, true);
  check(truncate(fd, size));
  volume.touched(inode);
}

function putTimes(volume: Volume, inode: Inode, { atime, mtime }: Changes): void {
  const { descriptor, parent } = inode;
  if (descriptor !== undefined) {
    check(setDescriptorTimes(descriptor.fd, atime, mtime));
  } else {
    const name = volume.cname.latin1(inode.name);
    volume.inDirectory(parent ?? refuse('ESTALE'), (fd) => setTimes(fd, name, atime, mtime));
  }
  volume.touched(inode);
}

/** @param guard the ctime that the caller believes in: ENOTSYNC when it is another */
export function setattr(
  volume: Volume,
  caller: Credentials,
  inode: Inode,
  changes: Changes,
  guard?: Time,
): void | Promise<void> {
  const file = volume.attributes(inode);
  const { ctime } = file;
  if (guard && (guard.seconds !== ctime.seconds || guard.nanoseconds !== ctime.nanoseconds))
    refuse('ENOTSYNC');
  checkChanges(caller, file, changes);
  const { uid = file.uid, gid = file.gid, size, atime, mtime } = changes;
  const mode = modeAfter(caller, file, changes);
  if (size !== undefined) setSize(volume, inode, size);
  const isAsked = (changes.mode ?? changes.uid ?? changes.gid) !== undefined;
  const isGiven = (changes.uid ?? changes.gid) !== undefined;
  if (isGiven || size !== undefined) volume.removeCapabilities(inode, file);
  if (isAsked || mode !== file.mode) volume.restore(inode, file, { mode, uid, gid });
  if ((atime ?? mtime) !== undefined) putTimes(volume, inode, changes);
  if (!volume.options.sync) return;
  if (inode.isDirectory) volume.tree.directoryFd(inode);
  if (inode.descriptor !== undefined) return volume.flusher.flush(inode);
}
