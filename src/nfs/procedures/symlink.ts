import { refuse } from '../../system/file-error.ts';
import { struct } from '../wire/xdr.ts';
import { making } from './make.ts';
import { sattr3 } from './sattr.ts';
import { diropargs3, nfspath3 } from './types.ts';

/** Longest target, in bytes: what a Linux client can read. */
const LINK_BYTES = 4095;

const symlinkdata3 = struct({ symlink_attributes: sattr3, symlink_data: nfspath3 });

/** RFC 1813 §3.3.10 */
export const symlink = making({
  name: 'SYMLINK',
  args: struct({ where: diropargs3, symlink: symlinkdata3 }),
  make: ({ where, symlink: { symlink_attributes, symlink_data } }, { vfs, credentials }, dir) => {
    if (symlink_data.length > LINK_BYTES) refuse('ENAMETOOLONG');
    return vfs.symlink(credentials, dir, where.name, symlink_attributes, symlink_data);
  },
});
