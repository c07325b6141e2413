/** What the server answers, for the dispatcher. */
import type { RemoteProgram } from '../rpc/program.ts';
import { mountProgram } from './mount.ts';
import { nfsProgram } from './nfs.ts';
import type { Context } from './procedure.ts';

export const programs: readonly RemoteProgram<Context>[] = [nfsProgram, mountProgram];
