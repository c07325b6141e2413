import { nothing, struct } from '../wire/xdr.ts';
import { fattr3 } from './attributes.ts';
import { procedure } from './procedure.ts';
import { nfs_fh3 } from './types.ts';

/** RFC 1813 §3.3.1 */
export const getattr = procedure({
  name: 'GETATTR',
  args: struct({ object: nfs_fh3 }),
  resok: struct({ obj_attributes: fattr3 }),
  resfail: nothing,
  open: ({ object }, { vfs }) => vfs.resolve(object),
  run: (_args, { vfs }, object) => ({ obj_attributes: vfs.attributes(object) }),
  failure: () => undefined,
});
