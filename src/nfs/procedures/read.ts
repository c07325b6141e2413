import { bool, opaque, struct, uint32, uint64 } from '../wire/xdr.ts';
import { post_op_attr, postOpAttr } from './attributes.ts';
import { whenMade } from './change.ts';
import { MAX_DATA, maxData } from './limits.ts';
import { procedure } from './procedure.ts';
import { nfs_fh3 } from './types.ts';

/** RFC 1813 §3.3.6 */
export const read = procedure({
  name: 'READ',
  args: struct({ file: nfs_fh3, offset: uint64, count: uint32 }),
  resok: struct({ file_attributes: post_op_attr, count: uint32, eof: bool, data: opaque(MAX_DATA) }),
  resfail: struct({ file_attributes: post_op_attr }),
  open: ({ file }, { vfs }) => vfs.resolve(file),
  run: ({ offset, count }, context, file) => {
    const { vfs, credentials, boots } = context;
    // RFC 1813 §3.3.6: the server may read less than was asked for, and the client asks for the rest.
    const result = vfs.read(credentials, file, offset, Math.min(count, maxData(context)));
    if (boots?.areReading === true) boots.read(context.client, file);
    return whenMade(context, [], result, ({ data, eof }) => ({
      file_attributes: postOpAttr(vfs, file),
      count: data.length,
      eof,
      data,
    }));
  },
  failure: ({ vfs }, file) => ({ file_attributes: postOpAttr(vfs, file) }),
});
