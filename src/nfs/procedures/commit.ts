import { struct, uint32, uint64 } from '../wire/xdr.ts';
import { wcc_data } from './attributes.ts';
import { Change, wccData, whenMade } from './change.ts';
import { procedure } from './procedure.ts';
import { nfs_fh3, writeverf3 } from './types.ts';

/** RFC 1813 §3.3.21. The whole file is committed, whatever part was asked for. */
export const commit = procedure({
  name: 'COMMIT',
  args: struct({ file: nfs_fh3, offset: uint64, count: uint32 }),
  resok: struct({ file_wcc: wcc_data, verf: writeverf3 }),
  resfail: struct({ file_wcc: wcc_data }),
  open: ({ file }, context) => new Change(context, context.vfs.resolve(file)),
  run: (_args, context, change) => {
    const { vfs, credentials } = context;
    return whenMade(context, [change], vfs.commit(credentials, change.inode, context.peer.isAlone), () => ({
      file_wcc: change.data(),
      verf: vfs.writeVerifier,
    }));
  },
  failure: (_context, change) => ({ file_wcc: wccData(change) }),
});
