/** What the file system tells of a file, as a client is to see it: with the owner and type from the ownership store. */
import type { FileType } from '../../rootfs/file-type.ts';

/** Since 1970, UTC. */
export interface Time {
  readonly seconds: number;
  readonly nanoseconds: number;
}

export interface Attributes {
  readonly type: FileType;
  /** Permission bits with set-id and sticky: 12 bits. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  /** Bytes on disk. */
  readonly used: number;
  /** Device number, for block and character. */
  readonly major: number;
  readonly minor: number;
  readonly fsid: number;
  /** The inode number. */
  readonly fileid: number;
  readonly atime: Time;
  readonly mtime: Time;
  readonly ctime: Time;
}

/** Who calls: AUTH_SYS of RFC 5531 appendix A. */
export interface Credentials {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, at most 16. */
  readonly groups: readonly number[];
}

/** What to change: sattr3 of RFC 1813 §2.6. */
export interface Changes {
  readonly mode?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** Bytes. */
  readonly size?: number | undefined;
  /** A time, or `now` for the server's. */
  readonly atime?: Time | 'now' | undefined;
  readonly mtime?: Time | 'now' | undefined;
}
