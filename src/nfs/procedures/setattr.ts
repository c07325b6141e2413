import { struct } from '../wire/xdr.ts';
import { wcc_data } from './attributes.ts';
import { Change, wccData, whenMade } from './change.ts';
import { procedure } from './procedure.ts';
import { sattr3, sattrguard3 } from './sattr.ts';
import { nfs_fh3 } from './types.ts';

const obj_wcc = struct({ obj_wcc: wcc_data });

/** RFC 1813 §3.3.2 */
export const setattr = procedure({
  name: 'SETATTR',
  args: struct({ object: nfs_fh3, new_attributes: sattr3, guard: sattrguard3 }),
  resok: obj_wcc,
  resfail: obj_wcc,
  once: true,
  changes: true,
  open: ({ object }, context) => new Change(context, context.vfs.resolve(object)),
  run: ({ new_attributes, guard }, context, change) => {
    const { vfs, credentials } = context;
    const made = vfs.setattr(credentials, change.inode, new_attributes, guard);
    return whenMade(context, [change], made, () => ({ obj_wcc: change.data() }));
  },
  failure: (_context, change) => ({ obj_wcc: wccData(change) }),
});
