import { struct } from '../wire/xdr.ts';
import { making } from './make.ts';
import { sattr3 } from './sattr.ts';
import { diropargs3 } from './types.ts';

/** RFC 1813 §3.3.9 */
export const mkdir = making({
  name: 'MKDIR',
  args: struct({ where: diropargs3, attributes: sattr3 }),
  make: ({ where, attributes }, { vfs, credentials }, dir) =>
    vfs.mkdir(credentials, dir, where.name, attributes),
});
