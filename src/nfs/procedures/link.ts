import { struct } from '../wire/xdr.ts';
import { post_op_attr, postOpAttr, wcc_data } from './attributes.ts';
import { Change, wccData, whenMade } from './change.ts';
import { procedure } from './procedure.ts';
import { diropargs3, nfs_fh3 } from './types.ts';

const attributesAndWcc = struct({ file_attributes: post_op_attr, linkdir_wcc: wcc_data });

/** RFC 1813 §3.3.15 */
export const link = procedure({
  name: 'LINK',
  args: struct({ file: nfs_fh3, link: diropargs3 }),
  resok: attributesAndWcc,
  resfail: attributesAndWcc,
  once: true,
  changes: true,
  open: (args, context) => ({
    file: context.vfs.resolve(args.file),
    dir: new Change(context, context.vfs.resolve(args.link.dir)),
  }),
  run: (args, context, { file, dir }) => {
    const { vfs, credentials } = context;
    const made = vfs.link(credentials, file, dir.inode, args.link.name);
    return whenMade(context, [dir], made, () => ({
      file_attributes: postOpAttr(vfs, file),
      linkdir_wcc: dir.data(),
    }));
  },
  failure: ({ vfs }, subject) => ({
    file_attributes: postOpAttr(vfs, subject?.file),
    linkdir_wcc: wccData(subject?.dir),
  }),
});
