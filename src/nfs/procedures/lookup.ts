import { struct } from '../wire/xdr.ts';
import { dir_attributes, post_op_attr, postOpAttr } from './attributes.ts';
import { procedure } from './procedure.ts';
import { diropargs3, nfs_fh3 } from './types.ts';

/** RFC 1813 §3.3.3 */
export const lookup = procedure({
  name: 'LOOKUP',
  args: struct({ what: diropargs3 }),
  resok: struct({ object: nfs_fh3, obj_attributes: post_op_attr, dir_attributes: post_op_attr }),
  resfail: dir_attributes,
  open: ({ what }, { vfs }) => vfs.resolve(what.dir),
  run: ({ what }, { vfs, credentials }, dir) => {
    const object = vfs.lookup(credentials, dir, what.name);
    return {
      object: vfs.handleOf(object),
      obj_attributes: postOpAttr(vfs, object),
      dir_attributes: postOpAttr(vfs, dir),
    };
  },
  failure: ({ vfs }, dir) => ({ dir_attributes: postOpAttr(vfs, dir) }),
});
