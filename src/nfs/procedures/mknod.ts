import { FileType } from '../../rootfs/file-type.ts';
import { refuse } from '../../system/file-error.ts';
import type { Changes } from '../vfs/attributes.ts';
import { struct, uint32, type Xdr } from '../wire/xdr.ts';
import { making } from './make.ts';
import { sattr3 } from './sattr.ts';
import { diropargs3 } from './types.ts';

const specdata3 = struct({ major: uint32, minor: uint32 });
const devicedata3 = struct({ dev_attributes: sattr3, spec: specdata3 });

/** A type without data, known or not, has `data` undefined: the RFC's default arm. */
interface MknodData {
  readonly type: number;
  readonly data?: {
    readonly type: FileType;
    readonly changes: Changes;
    readonly major: number;
    readonly minor: number;
  };
}

const mknoddata3: Xdr<MknodData> = {
  read: (reader) => {
    const type = reader.uint32();
    switch (type) {
      case FileType.character:
      case FileType.block: {
        const { dev_attributes, spec } = devicedata3.read(reader);
        return { type, data: { type, changes: dev_attributes, ...spec } };
      }
      case FileType.socket:
      case FileType.fifo:
        return { type, data: { type, changes: sattr3.read(reader), major: 0, minor: 0 } };
      default:
        return { type };
    }
  },
  write: (writer, { type, data }) => {
    writer.uint32(type);
    if (data === undefined) return;
    sattr3.write(writer, data.changes);
    if (type === FileType.character || type === FileType.block) specdata3.write(writer, data);
  },
};

/** RFC 1813 §3.3.11 */
export const mknod = making({
  name: 'MKNOD',
  args: struct({ where: diropargs3, what: mknoddata3 }),
  make: ({ where, what: { data } }, { vfs, credentials }, dir) => {
    if (data === undefined) refuse('EBADTYPE');
    const { type, changes, major, minor } = data;
    return vfs.mknod(credentials, dir, where.name, type, changes, major, minor);
  },
});
