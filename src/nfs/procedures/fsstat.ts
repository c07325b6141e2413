import { struct, uint32, uint64 } from '../wire/xdr.ts';
import { obj_attributes, post_op_attr, postOpAttr } from './attributes.ts';
import { procedure } from './procedure.ts';
import { nfs_fh3 } from './types.ts';

/** RFC 1813 §3.3.18 */
export const fsstat = procedure({
  name: 'FSSTAT',
  args: struct({ fsroot: nfs_fh3 }),
  resok: struct({
    obj_attributes: post_op_attr,
    tbytes: uint64,
    fbytes: uint64,
    abytes: uint64,
    tfiles: uint64,
    ffiles: uint64,
    afiles: uint64,
    /** Seconds for which this is not expected to change: never any. */
    invarsec: uint32,
  }),
  resfail: obj_attributes,
  open: ({ fsroot }, { vfs }) => vfs.resolve(fsroot),
  run: (_args, { vfs }, fsroot) => ({
    obj_attributes: postOpAttr(vfs, fsroot),
    ...vfs.statfs(fsroot),
    invarsec: 0,
  }),
  failure: ({ vfs }, fsroot) => ({ obj_attributes: postOpAttr(vfs, fsroot) }),
});
