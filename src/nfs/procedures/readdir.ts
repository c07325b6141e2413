import { biguint64, struct, uint32, uint64 } from '../wire/xdr.ts';
import { dir_attributes, post_op_attr, postOpAttr } from './attributes.ts';
import { maxListing } from './limits.ts';
import { fillListing, listing } from './listing.ts';
import { procedure } from './procedure.ts';
import { cookieverf3, filename3, nfs_fh3 } from './types.ts';

const entry3 = struct({ fileid: uint64, name: filename3, cookie: biguint64 });

/** Cookies are the file system's own and stay good, so there is nothing to verify. */
export const NO_VERIFIER = Buffer.alloc(8);

/** RFC 1813 §3.3.16 */
export const readdir = procedure({
  name: 'READDIR',
  args: struct({ dir: nfs_fh3, cookie: biguint64, cookieverf: cookieverf3, count: uint32 }),
  resok: struct({ dir_attributes: post_op_attr, cookieverf: cookieverf3, reply: listing(entry3) }),
  resfail: dir_attributes,
  open: ({ dir }, { vfs }) => vfs.resolve(dir),
  run: ({ cookie, count }, context, dir) => {
    const { vfs, credentials } = context;
    const budget = { resok: Math.min(count, maxListing(context)), names: count };
    const reply = fillListing(vfs.readdir(credentials, dir, cookie), budget, entry3.write);
    return { dir_attributes: postOpAttr(vfs, dir), cookieverf: NO_VERIFIER, reply };
  },
  failure: ({ vfs }, dir) => ({ dir_attributes: postOpAttr(vfs, dir) }),
});
