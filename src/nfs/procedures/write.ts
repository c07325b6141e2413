import { opaque, struct, uint32, uint64 } from '../wire/xdr.ts';
import { wcc_data } from './attributes.ts';
import { Change, wccData, whenMade } from './change.ts';
import { MAX_DATA } from './limits.ts';
import { procedure } from './procedure.ts';
import { nfs_fh3, stable_how, writeverf3 } from './types.ts';

/** RFC 1813 §3.3.7 */
export const write = procedure({
  name: 'WRITE',
  args: struct({
    file: nfs_fh3,
    offset: uint64,
    count: uint32,
    stable: stable_how,
    data: opaque(MAX_DATA),
  }),
  resok: struct({ file_wcc: wcc_data, count: uint32, committed: stable_how, verf: writeverf3 }),
  resfail: struct({ file_wcc: wcc_data }),
  changes: true,
  open: ({ file }, context) => new Change(context, context.vfs.resolve(file)),
  run: ({ offset, count, stable, data }, context, change) => {
    const { vfs, credentials } = context;
    // RFC 1813 §3.3.7: count and the length of data should be equal, and nothing says what to do if they are not.
    const bytes = data.subarray(0, count);
    const made = vfs.write(credentials, change.inode, offset, bytes, stable, context.peer.isAlone);
    return whenMade(context, [change], made, (written) => ({
      file_wcc: change.data(),
      count: written,
      committed: stable,
      verf: vfs.writeVerifier,
    }));
  },
  failure: (_context, change) => ({ file_wcc: wccData(change) }),
});
