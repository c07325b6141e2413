import { struct, uint32 } from '../wire/xdr.ts';
import { obj_attributes, post_op_attr, postOpAttr } from './attributes.ts';
import { procedure } from './procedure.ts';
import { nfs_fh3 } from './types.ts';

/** RFC 1813 §3.3.4 */
export const access = procedure({
  name: 'ACCESS',
  args: struct({ object: nfs_fh3, access: uint32 }),
  resok: struct({ obj_attributes: post_op_attr, access: uint32 }),
  resfail: obj_attributes,
  open: ({ object }, { vfs }) => vfs.resolve(object),
  run: (args, { vfs, credentials }, object) => ({
    access: vfs.access(credentials, object, args.access),
    obj_attributes: postOpAttr(vfs, object),
  }),
  failure: ({ vfs }, object) => ({ obj_attributes: postOpAttr(vfs, object) }),
});
