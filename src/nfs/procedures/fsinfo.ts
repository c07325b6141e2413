import { biguint64, struct, uint32 } from '../wire/xdr.ts';
import { nfstime3, obj_attributes, post_op_attr, postOpAttr } from './attributes.ts';
import { maxData, maxListing } from './limits.ts';
import { procedure } from './procedure.ts';
import { nfs_fh3 } from './types.ts';

const FSF3_LINK = 0x01;
const FSF3_SYMLINK = 0x02;
const FSF3_HOMOGENEOUS = 0x08;
const FSF3_CANSETTIME = 0x10;

/** Bytes of a page: what counts should be a multiple of. */
const MULTIPLE = 4096;
const MAX_FILE_SIZE = 2n ** 63n - 1n;

/** RFC 1813 §3.3.19 */
export const fsinfo = procedure({
  name: 'FSINFO',
  args: struct({ fsroot: nfs_fh3 }),
  resok: struct({
    obj_attributes: post_op_attr,
    rtmax: uint32,
    rtpref: uint32,
    rtmult: uint32,
    wtmax: uint32,
    wtpref: uint32,
    wtmult: uint32,
    dtpref: uint32,
    maxfilesize: biguint64,
    time_delta: nfstime3,
    properties: uint32,
  }),
  resfail: obj_attributes,
  open: ({ fsroot }, { vfs }) => vfs.resolve(fsroot),
  run: (_args, context, fsroot) => {
    const max = maxData(context);
    return {
      obj_attributes: postOpAttr(context.vfs, fsroot),
      rtmax: max,
      rtpref: max,
      rtmult: MULTIPLE,
      wtmax: max,
      wtpref: max,
      wtmult: MULTIPLE,
      dtpref: maxListing(context),
      maxfilesize: MAX_FILE_SIZE,
      time_delta: { seconds: 0, nanoseconds: 1 },
      properties: FSF3_LINK | FSF3_SYMLINK | FSF3_HOMOGENEOUS | FSF3_CANSETTIME,
    };
  },
  failure: ({ vfs }, fsroot) => ({ obj_attributes: postOpAttr(vfs, fsroot) }),
});
