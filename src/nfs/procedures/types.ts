/** RFC 1813 §2.4 to §2.6: the types that many procedures share, but for attributes (attributes.ts). */
import { FileType } from '../../rootfs/file-type.ts';
import { enumeration, fixedOpaque, opaque, optional, struct } from '../wire/xdr.ts';

/** RFC 1813 §2.4 */
const NFS3_FHSIZE = 64;
const NFS3_COOKIEVERFSIZE = 8;
const NFS3_CREATEVERFSIZE = 8;
const NFS3_WRITEVERFSIZE = 8;

/** Longest name taken from the wire, in bytes: long enough that too long a name is told so, and is no garbage. */
const NAME_BYTES = 4096;
/** The same for the content of a symbolic link. */
const PATH_BYTES = 16_384;

export const nfs_fh3 = opaque(NFS3_FHSIZE);
export const post_op_fh3 = optional(nfs_fh3);
export const filename3 = opaque(NAME_BYTES);
export const nfspath3 = opaque(PATH_BYTES);
export const cookieverf3 = fixedOpaque(NFS3_COOKIEVERFSIZE);
export const createverf3 = fixedOpaque(NFS3_CREATEVERFSIZE);
export const writeverf3 = fixedOpaque(NFS3_WRITEVERFSIZE);
export const diropargs3 = struct({ dir: nfs_fh3, name: filename3 });
export const ftype3 = enumeration(FileType);

/** RFC 1813 §3.3.7 */
export const stable_how = enumeration({ UNSTABLE: 0, DATA_SYNC: 1, FILE_SYNC: 2 });
