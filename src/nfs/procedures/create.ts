import { struct, union } from '../wire/xdr.ts';
import { making } from './make.ts';
import { sattr3 } from './sattr.ts';
import { createverf3, diropargs3 } from './types.ts';

const UNCHECKED = 0;
const GUARDED = 1;
const EXCLUSIVE = 2;

const createhow3 = union({ [UNCHECKED]: sattr3, [GUARDED]: sattr3, [EXCLUSIVE]: createverf3 });

/** RFC 1813 §3.3.8 */
export const create = making({
  name: 'CREATE',
  args: struct({ where: diropargs3, how: createhow3 }),
  make: ({ where, how }, { vfs, credentials }, dir) =>
    vfs.create(
      credentials,
      dir,
      where.name,
      how.kind === EXCLUSIVE
        ? { mode: 'exclusive', verifier: how.value }
        : { mode: how.kind === GUARDED ? 'guarded' : 'unchecked', changes: how.value },
    ),
});
