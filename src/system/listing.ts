/** Entries of a directory, as getdents64(2) has them. */

import { check } from './file-error.ts';
import { readEntries, seekDirectory } from './files.ts';

export interface Entry {
  readonly ino: number;
  /** undefined where the file system does not tell. */
  readonly isDirectory: boolean | undefined;
  /** A view that is valid until the next entry; a NUL is behind it. */
  readonly name: Buffer;
  /** Where the entry behind this one begins. */
  readonly next: bigint;
}

const DT_UNKNOWN = 0;
const DT_DIR = 4;
const NAME_AT = 19;
const TWO_32 = 0x1_0000_0000;
const BUFFER_SIZE = 32 * 1024;

/** Goes through a directory, `.` and `..` included. Nobody else may move the descriptor meanwhile. */
export class Listing {
  private readonly fd: number;
  private readonly buffer: Buffer;
  private readonly view: DataView;
  private at = 0;
  private length = 0;

  /** @throws FileError EINVAL for a position that is none */
  constructor(fd: number, position = 0n, buffer = Buffer.alloc(BUFFER_SIZE)) {
    this.fd = fd;
    this.buffer = buffer;
    this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
    check(seekDirectory(fd, position));
  }

  /** The next entry; undefined at the end. */
  next(): Entry | undefined {
    const { buffer } = this;
    if (this.at === this.length) {
      this.at = 0;
      this.length = check(readEntries(this.fd, buffer));
      if (this.length === 0) return undefined;
    }
    // struct linux_dirent64: u64 d_ino, s64 d_off, u16 d_reclen, u8 d_type, d_name with a NUL.
    const { at, view } = this;
    const type = buffer[at + 18];
    this.at += view.getUint16(at + 16, true);
    let end = at + NAME_AT;
    while (buffer[end] !== 0) end += 1;
    return {
      ino: view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true),
      isDirectory: type === DT_UNKNOWN ? undefined : type === DT_DIR,
      name: buffer.subarray(at + NAME_AT, end),
      next: view.getBigUint64(at + 8, true),
    };
  }
}
