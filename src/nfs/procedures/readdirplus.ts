import { biguint64, struct, uint32, uint64 } from '../wire/xdr.ts';
import { dir_attributes, post_op_attr, postOpAttr, postOpFh } from './attributes.ts';
import { maxListing } from './limits.ts';
import { fillListing, listing } from './listing.ts';
import { procedure } from './procedure.ts';
import { NO_VERIFIER } from './readdir.ts';
import { cookieverf3, filename3, nfs_fh3, post_op_fh3 } from './types.ts';

const entryplus3 = struct({
  fileid: uint64,
  name: filename3,
  cookie: biguint64,
  name_attributes: post_op_attr,
  name_handle: post_op_fh3,
});

/** RFC 1813 §3.3.17 */
export const readdirplus = procedure({
  name: 'READDIRPLUS',
  args: struct({
    dir: nfs_fh3,
    cookie: biguint64,
    cookieverf: cookieverf3,
    dircount: uint32,
    maxcount: uint32,
  }),
  resok: struct({ dir_attributes: post_op_attr, cookieverf: cookieverf3, reply: listing(entryplus3) }),
  resfail: dir_attributes,
  open: ({ dir }, { vfs }) => vfs.resolve(dir),
  run: ({ cookie, dircount, maxcount }, context, dir) => {
    const { vfs, credentials } = context;
    const budget = { resok: Math.min(maxcount, maxListing(context)), names: dircount };
    const reply = fillListing(vfs.readdir(credentials, dir, cookie), budget, (writer, entry) => {
      const inode = vfs.entry(credentials, dir, entry.name);
      const name_attributes = postOpAttr(vfs, inode);
      entryplus3.write(writer, {
        // Another file may have got the name since it was listed.
        fileid: name_attributes?.fileid ?? entry.fileid,
        name: entry.name,
        cookie: entry.cookie,
        name_attributes,
        name_handle: postOpFh(vfs, inode),
      });
    });
    return { dir_attributes: postOpAttr(vfs, dir), cookieverf: NO_VERIFIER, reply };
  },
  failure: ({ vfs }, dir) => ({ dir_attributes: postOpAttr(vfs, dir) }),
});
