import { bool, struct, uint32 } from '../wire/xdr.ts';
import { obj_attributes, post_op_attr, postOpAttr } from './attributes.ts';
import { procedure } from './procedure.ts';
import { nfs_fh3 } from './types.ts';

/** RFC 1813 §3.3.20 */
export const pathconf = procedure({
  name: 'PATHCONF',
  args: struct({ object: nfs_fh3 }),
  resok: struct({
    obj_attributes: post_op_attr,
    linkmax: uint32,
    name_max: uint32,
    no_trunc: bool,
    chown_restricted: bool,
    case_insensitive: bool,
    case_preserving: bool,
  }),
  resfail: obj_attributes,
  open: ({ object }, { vfs }) => vfs.resolve(object),
  run: (_args, { vfs }, object) => {
    const { linkMax, nameMax } = vfs.pathconf(object);
    return {
      obj_attributes: postOpAttr(vfs, object),
      linkmax: linkMax,
      name_max: nameMax,
      no_trunc: true,
      chown_restricted: true,
      case_insensitive: false,
      case_preserving: true,
    };
  },
  failure: ({ vfs }, object) => ({ obj_attributes: postOpAttr(vfs, object) }),
});
