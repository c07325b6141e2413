/** RFC 1813 §2.6: attributes as they are told. */
import { PutOff } from '../put-off.ts';
import type { Attributes, Time } from '../vfs/attributes.ts';
import type { Inode, Vfs } from '../vfs/vfs.ts';
import { optional, struct, uint64, type Xdr } from '../wire/xdr.ts';
import type { Reader } from '../wire/xdr-reader.ts';
import type { Writer } from '../wire/xdr-writer.ts';
import { nfsstat3 } from './status.ts';
import { ftype3 } from './types.ts';

const TWO_32 = 0x1_0000_0000;
const FATTR3_BYTES = 84;
const WCC_ATTR_BYTES = 24;

/** RFC 1813 §2.5: seconds have no sign. What lies before 1970 or after 2106 becomes the nearest that can be told. */
function patchTime(writer: Writer, at: number, { seconds, nanoseconds }: Time): void {
  writer.patch(at, seconds < 0 ? 0 : seconds >= TWO_32 ? TWO_32 - 1 : seconds);
  writer.patch(at + 4, nanoseconds);
}

function patch64(writer: Writer, at: number, value: number): void {
  writer.patch(at, value / TWO_32);
  writer.patch(at + 4, value);
}

/** RFC 1813 §2.5 */
export const nfstime3: Xdr<Time> = {
  read: (reader) => ({ seconds: reader.uint32(), nanoseconds: reader.uint32() }),
  write: (writer, time) => patchTime(writer, writer.skip(8), time),
};

/** In nearly every reply, so it fills its words by hand. */
export const fattr3: Xdr<Attributes> = {
  read: (reader: Reader) => ({
    type: ftype3.read(reader),
    mode: reader.uint32(),
    nlink: reader.uint32(),
    uid: reader.uint32(),
    gid: reader.uint32(),
    size: uint64.read(reader),
    used: uint64.read(reader),
    major: reader.uint32(),
    minor: reader.uint32(),
    fsid: uint64.read(reader),
    fileid: uint64.read(reader),
    atime: nfstime3.read(reader),
    mtime: nfstime3.read(reader),
    ctime: nfstime3.read(reader),
  }),
  write: (writer, attributes) => {
    const at = writer.skip(FATTR3_BYTES);
    writer.patch(at, attributes.type);
    writer.patch(at + 4, attributes.mode);
    writer.patch(at + 8, attributes.nlink);
    writer.patch(at + 12, attributes.uid);
    writer.patch(at + 16, attributes.gid);
    patch64(writer, at + 20, attributes.size);
    patch64(writer, at + 28, attributes.used);
    writer.patch(at + 36, attributes.major);
    writer.patch(at + 40, attributes.minor);
    patch64(writer, at + 44, attributes.fsid);
    patch64(writer, at + 52, attributes.fileid);
    patchTime(writer, at + 60, attributes.atime);
    patchTime(writer, at + 68, attributes.mtime);
    patchTime(writer, at + 76, attributes.ctime);
  },
};

export const post_op_attr = optional(fattr3);

/** What the client compares with what it remembers, to see whether somebody else changed the file. */
export type WccAttr = Pick<Attributes, 'size' | 'mtime' | 'ctime'>;

export const wcc_attr: Xdr<WccAttr> = {
  read: (reader) => ({
    size: uint64.read(reader),
    mtime: nfstime3.read(reader),
    ctime: nfstime3.read(reader),
  }),
  write: (writer, { size, mtime, ctime }) => {
    const at = writer.skip(WCC_ATTR_BYTES);
    patch64(writer, at, size);
    patchTime(writer, at + 8, mtime);
    patchTime(writer, at + 16, ctime);
  },
};

export const pre_op_attr = optional(wcc_attr);
export const wcc_data = struct({ before: pre_op_attr, after: post_op_attr });

/** What a reply tells if it can: not where a file vanished meanwhile, or would have to be looked for. */
function ifAtHand<T>(take: () => T): T | undefined {
  try {
    return take();
  } catch (error) {
    // Put off, the call would be run again, and what it did is done already.
    if (!(error instanceof PutOff)) nfsstat3(error);
    return undefined;
  }
}

/** The attributes for a post_op_attr. */
export function postOpAttr(vfs: Vfs, inode: Inode | undefined): Attributes | undefined {
  return inode && ifAtHand(() => vfs.attributes(inode));
}

/** The handle for a post_op_fh3. */
export function postOpFh(vfs: Vfs, inode: Inode | undefined): Buffer | undefined {
  return inode && ifAtHand(() => vfs.handleOf(inode));
}

/** The arm of results that tell one file's attributes and nothing else. */
export const obj_attributes = struct({ obj_attributes: post_op_attr });
export const dir_attributes = struct({ dir_attributes: post_op_attr });
