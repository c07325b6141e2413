import { struct } from '../wire/xdr.ts';
import { wcc_data } from './attributes.ts';
import { Change, wccData, whenMade } from './change.ts';
import { procedure } from './procedure.ts';
import { diropargs3 } from './types.ts';

const wcc = struct({ fromdir_wcc: wcc_data, todir_wcc: wcc_data });

/** RFC 1813 §3.3.14 */
export const rename = procedure({
  name: 'RENAME',
  args: struct({ from: diropargs3, to: diropargs3 }),
  resok: wcc,
  resfail: wcc,
  once: true,
  changes: true,
  open: ({ from, to }, context) => {
    const fromDir = context.vfs.resolve(from.dir);
    const toDir = context.vfs.resolve(to.dir);
    const source = new Change(context, fromDir);
    return { source, target: toDir === fromDir ? source : new Change(context, toDir) };
  },
  run: ({ from, to }, context, { source, target }) => {
    const { vfs, credentials } = context;
    const changes = source === target ? [source] : [source, target];
    const made = vfs.rename(credentials, source.inode, from.name, target.inode, to.name);
    return whenMade(context, changes, made, () => ({
      fromdir_wcc: source.data(),
      todir_wcc: target.data(),
    }));
  },
  failure: (_context, dirs) => ({ fromdir_wcc: wccData(dirs?.source), todir_wcc: wccData(dirs?.target) }),
});
