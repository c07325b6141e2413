import { struct } from '../wire/xdr.ts';
import { post_op_attr, postOpAttr } from './attributes.ts';
import { procedure } from './procedure.ts';
import { nfs_fh3, nfspath3 } from './types.ts';

/** RFC 1813 §3.3.5 */
export const readlink = procedure({
  name: 'READLINK',
  args: struct({ symlink: nfs_fh3 }),
  resok: struct({ symlink_attributes: post_op_attr, data: nfspath3 }),
  resfail: struct({ symlink_attributes: post_op_attr }),
  open: ({ symlink }, { vfs }) => vfs.resolve(symlink),
  run: (_args, { vfs, credentials }, symlink) => ({
    data: vfs.readlink(credentials, symlink),
    symlink_attributes: postOpAttr(vfs, symlink),
  }),
  failure: ({ vfs }, symlink) => ({ symlink_attributes: postOpAttr(vfs, symlink) }),
});
