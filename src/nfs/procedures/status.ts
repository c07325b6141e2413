/** RFC 1813 §2.6: nfsstat3, and which errno becomes which. */
import { enumeration } from '../wire/xdr.ts';

export const Nfsstat3 = {
  NFS3_OK: 0,
  NFS3ERR_PERM: 1,
  NFS3ERR_NOENT: 2,
  NFS3ERR_IO: 5,
  NFS3ERR_NXIO: 6,
  NFS3ERR_ACCES: 13,
  NFS3ERR_EXIST: 17,
  NFS3ERR_XDEV: 18,
  NFS3ERR_NODEV: 19,
  NFS3ERR_NOTDIR: 20,
  NFS3ERR_ISDIR: 21,
  NFS3ERR_INVAL: 22,
  NFS3ERR_FBIG: 27,
  NFS3ERR_NOSPC: 28,
  NFS3ERR_ROFS: 30,
  NFS3ERR_MLINK: 31,
  NFS3ERR_NAMETOOLONG: 63,
  NFS3ERR_NOTEMPTY: 66,
  NFS3ERR_DQUOT: 69,
  NFS3ERR_STALE: 70,
  NFS3ERR_REMOTE: 71,
  NFS3ERR_BADHANDLE: 10001,
  NFS3ERR_NOT_SYNC: 10002,
  NFS3ERR_BAD_COOKIE: 10003,
  NFS3ERR_NOTSUPP: 10004,
  NFS3ERR_TOOSMALL: 10005,
  NFS3ERR_SERVERFAULT: 10006,
  NFS3ERR_BADTYPE: 10007,
  NFS3ERR_JUKEBOX: 10008,
} as const;

export type Status = (typeof Nfsstat3)[keyof typeof Nfsstat3];
export const { NFS3_OK } = Nfsstat3;
export type Failure = Exclude<Status, typeof NFS3_OK>;

/** On the wire. */
export const status = enumeration(Nfsstat3);

const names = new Map<number, string>(Object.entries(Nfsstat3).map(([name, number]) => [number, name]));

/** As the RFC spells it. */
export function statusName(number: number): string {
  return names.get(number) ?? String(number);
}

/** By the errno's name; those that no C library knows are the VFS's own. */
const STATUS_OF: Readonly<Record<string, Failure>> = {
  EPERM: Nfsstat3.NFS3ERR_PERM,
  ENOENT: Nfsstat3.NFS3ERR_NOENT,
  EIO: Nfsstat3.NFS3ERR_IO,
  ENXIO: Nfsstat3.NFS3ERR_NXIO,
  EACCES: Nfsstat3.NFS3ERR_ACCES,
  EEXIST: Nfsstat3.NFS3ERR_EXIST,
  EXDEV: Nfsstat3.NFS3ERR_XDEV,
  ENODEV: Nfsstat3.NFS3ERR_NODEV,
  ENOTDIR: Nfsstat3.NFS3ERR_NOTDIR,
  EISDIR: Nfsstat3.NFS3ERR_ISDIR,
  EINVAL: Nfsstat3.NFS3ERR_INVAL,
  EFBIG: Nfsstat3.NFS3ERR_FBIG,
  ENOSPC: Nfsstat3.NFS3ERR_NOSPC,
  EROFS: Nfsstat3.NFS3ERR_ROFS,
  EMLINK: Nfsstat3.NFS3ERR_MLINK,
  ENAMETOOLONG: Nfsstat3.NFS3ERR_NAMETOOLONG,
  ENOTEMPTY: Nfsstat3.NFS3ERR_NOTEMPTY,
  EDQUOT: Nfsstat3.NFS3ERR_DQUOT,
  ESTALE: Nfsstat3.NFS3ERR_STALE,
  EBADHANDLE: Nfsstat3.NFS3ERR_BADHANDLE,
  ENOTSYNC: Nfsstat3.NFS3ERR_NOT_SYNC,
  EBADCOOKIE: Nfsstat3.NFS3ERR_BAD_COOKIE,
  ENOTSUPP: Nfsstat3.NFS3ERR_NOTSUPP,
  ETOOSMALL: Nfsstat3.NFS3ERR_TOOSMALL,
  ESERVERFAULT: Nfsstat3.NFS3ERR_SERVERFAULT,
  EBADTYPE: Nfsstat3.NFS3ERR_BADTYPE,
  EJUKEBOX: Nfsstat3.NFS3ERR_JUKEBOX,

  // What the RFC has no word for. The choices are those of Linux's server.
  ENOTSUP: Nfsstat3.NFS3ERR_NOTSUPP,
  EOPNOTSUPP: Nfsstat3.NFS3ERR_NOTSUPP,
  ENOSYS: Nfsstat3.NFS3ERR_NOTSUPP,
  ELOOP: Nfsstat3.NFS3ERR_INVAL,
  // Something is mounted on the name.
  EBUSY: Nfsstat3.NFS3ERR_ACCES,
  EOVERFLOW: Nfsstat3.NFS3ERR_FBIG,
  E2BIG: Nfsstat3.NFS3ERR_FBIG,
  ETXTBSY: Nfsstat3.NFS3ERR_IO,
  EUCLEAN: Nfsstat3.NFS3ERR_IO,
  // These pass: the client is to ask again.
  EAGAIN: Nfsstat3.NFS3ERR_JUKEBOX,
  EINTR: Nfsstat3.NFS3ERR_JUKEBOX,
  ETIMEDOUT: Nfsstat3.NFS3ERR_JUKEBOX,
  ENOMEM: Nfsstat3.NFS3ERR_JUKEBOX,
  EMFILE: Nfsstat3.NFS3ERR_JUKEBOX,
  ENFILE: Nfsstat3.NFS3ERR_JUKEBOX,
};

/** @throws the error itself when it is none of the table: then it is a bug, or no error at all (PutOff) */
export function nfsstat3(error: unknown): Failure {
  const { code } = error as NodeJS.ErrnoException;
  const known = code === undefined ? undefined : STATUS_OF[code];
  if (known === undefined) throw error;
  return known;
}
