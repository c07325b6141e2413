/** What the procedures that make something have in common: CREATE, MKDIR, SYMLINK and MKNOD. */
import type { Inode } from '../vfs/vfs.ts';
import { struct, type Value, type Xdr } from '../wire/xdr.ts';
import { post_op_attr, postOpAttr, postOpFh, wcc_data } from './attributes.ts';
import { Change, wccData, whenMade } from './change.ts';
import { type Context, procedure } from './procedure.ts';
import { type diropargs3, post_op_fh3 } from './types.ts';

interface Where {
  readonly where: Value<typeof diropargs3>;
}

interface Making<Args> {
  readonly name: string;
  readonly args: Xdr<Args>;
  /** Makes the thing in `dir`, which is `where.dir`. */
  make(args: Args, context: Context, dir: Inode): Inode | Promise<Inode>;
}

export function making<Args extends Where>({ name, args, make }: Making<Args>) {
  return procedure({
    name,
    args,
    resok: struct({ obj: post_op_fh3, obj_attributes: post_op_attr, dir_wcc: wcc_data }),
    resfail: struct({ dir_wcc: wcc_data }),
    once: true,
    changes: true,
    open: ({ where }, context) => new Change(context, context.vfs.resolve(where.dir)),
    run: (given, context, dir) =>
      whenMade(context, [dir], make(given, context, dir.inode), (inode) => ({
        obj: postOpFh(context.vfs, inode),
        obj_attributes: postOpAttr(context.vfs, inode),
        dir_wcc: dir.data(),
      })),
    failure: (_context, dir) => ({ dir_wcc: wccData(dir) }),
  });
}
