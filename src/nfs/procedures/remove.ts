import { struct } from '../wire/xdr.ts';
import { wcc_data } from './attributes.ts';
import { Change, wccData, whenMade } from './change.ts';
import { procedure } from './procedure.ts';
import { diropargs3 } from './types.ts';

const dir_wcc = struct({ dir_wcc: wcc_data });

/** RFC 1813 §3.3.12 */
export const remove = procedure({
  name: 'REMOVE',
  args: struct({ object: diropargs3 }),
  resok: dir_wcc,
  resfail: dir_wcc,
  once: true,
  changes: true,
  open: ({ object }, context) => new Change(context, context.vfs.resolve(object.dir)),
  run: ({ object }, context, dir) => {
    const made = context.vfs.remove(context.credentials, dir.inode, object.name);
    return whenMade(context, [dir], made, () => ({ dir_wcc: dir.data() }));
  },
  failure: (_context, dir) => ({ dir_wcc: wccData(dir) }),
});
