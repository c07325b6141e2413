import type { RemoteProcedure } from '../rpc/program.ts';
import { nothing } from '../wire/xdr.ts';
import type { Context } from './procedure.ts';

/** RFC 1813 §3.3.0, and procedure 0 of MOUNT: to see whether the server answers, and how fast. */
export const nullProcedure: RemoteProcedure<undefined, Context, undefined> = {
  name: 'NULL',
  once: false,
  args: nothing,
  run: () => undefined,
  result: nothing,
};
