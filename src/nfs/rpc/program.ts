/** A program as the dispatcher sees it: it knows numbers and types, and nothing of what they are for. */
import type { Xdr } from '../wire/xdr.ts';

export interface RemoteProcedure<Args, Context, Result> {
  readonly name: string;
  /** A second run of the same call would do harm or answer otherwise: its reply is kept for repeated calls. */
  readonly once: boolean;
  readonly args: Xdr<Args>;
  /** What to answer instead of running, when the client is to call again later: such a reply is never kept. */
  readonly notNow?: (context: Context) => Result | undefined;
  /** @throws PutOff (see ../put-off.ts) when the call is to be run again later, before it changed anything */
  run(args: Args, context: Context): Result | Promise<Result>;
  readonly result: Xdr<Result>;
  /** The status word of a result for the statistics: undefined if all went well. */
  readonly failureOf?: (result: Result) => string | undefined;
}

export interface RemoteVersion<Context> {
  readonly version: number;
  /** By number; holes are PROC_UNAVAIL. */
  // biome-ignore lint/suspicious/noExplicitAny: each procedure has arguments and results of its own
  readonly procedures: readonly (RemoteProcedure<any, Context, any> | undefined)[];
}

export interface RemoteProgram<Context> {
  readonly program: number;
  readonly versions: readonly RemoteVersion<Context>[];
}
