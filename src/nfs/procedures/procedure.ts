/** How an NFS procedure is declared: types, run, and the attributes of its failure arm. The status is added here. */

import type { Gate } from '../gate.ts';
import type { Peer } from '../rpc/caller.ts';
import type { RemoteProcedure } from '../rpc/program.ts';
import type { Credentials } from '../vfs/attributes.ts';
import type { Vfs } from '../vfs/vfs.ts';
import type { Xdr } from '../wire/xdr.ts';
import type { Boots } from './boots.ts';
import type { MountList } from './mount-list.ts';
import { type Failure, NFS3_OK, Nfsstat3, nfsstat3, status, statusName } from './status.ts';
import type { Uses } from './uses.ts';

/** What a procedure knows of its caller and of its server. */
export interface Context {
  readonly vfs: Vfs;
  readonly credentials: Credentials;
  /** Numeric address of the client. */
  readonly client: string;
  readonly transport: 'tcp' | 'udp';
  readonly peer: Pick<Peer, 'isAlone' | 'turn'>;
  readonly mounts: MountList;
  readonly gate: Gate;
  /** Absent where the exported directory is never replaced. */
  readonly uses?: Uses;
  /** The epoch of `uses` in which the client was seen. */
  seenIn?: number;
  /** Absent where nothing is written down. */
  readonly boots?: Boots;
  /** Who may connect, as configured: what EXPORT of the MOUNT protocol tells. */
  readonly allowed: readonly string[];
}

export interface Declaration<Args, Subject, Ok, Fail> {
  /** As RFC 1813 spells it. */
  readonly name: string;
  readonly args: Xdr<Args>;
  readonly resok: Xdr<Ok>;
  readonly resfail: Xdr<Fail>;
  /** A second run of the same call would do harm or answer otherwise: its reply is kept for repeated calls. */
  readonly once?: true;
  /** It changes files or names. Their reading, and COMMIT, do not count. */
  readonly changes?: true;
  /** Resolves the handles and takes the attributes before the call. Changes nothing. */
  open(args: Args, context: Context): Subject;
  /** Throws errno errors. Opaque arguments are views: they are gone after the first await. */
  run(args: Args, context: Context, subject: Subject): Ok | Promise<Ok>;
  /** The failure arm; without a subject when a handle did not resolve. */
  failure(context: Context, subject: Subject | undefined): Fail;
}

export type Result<Ok, Fail> =
  | { readonly status: typeof NFS3_OK; readonly ok: Ok }
  | { readonly status: Failure; readonly fail: Fail };

/** Tells which root the client uses. @throws PutOff */
function see(context: Context): void {
  const { uses, vfs, client } = context;
  if (uses === undefined || vfs.called === undefined) return;
  uses.see(client, vfs.called);
  context.seenIn = uses.epoch;
}

export function procedure<Args, Subject, Ok, Fail>(
  declared: Declaration<Args, Subject, Ok, Fail>,
): RemoteProcedure<Args, Context, Result<Ok, Fail>> {
  const { resok, resfail, changes = false } = declared;
  const succeed = (ok: Ok): Result<Ok, Fail> => ({ status: NFS3_OK, ok });
  // A bug, and PutOff, have no status: nfsstat3 throws them on to the dispatcher.
  const fail = (error: unknown, context: Context, subject: Subject | undefined): Result<Ok, Fail> => ({
    status: nfsstat3(error),
    fail: declared.failure(context, subject),
  });
  return {
    name: declared.name,
    once: declared.once === true,
    args: declared.args,
    notNow: (context) =>
      context.gate.refuses(changes)
        ? { status: Nfsstat3.NFS3ERR_JUKEBOX, fail: declared.failure(context, undefined) }
        : undefined,
    run(args, context) {
      let subject: Subject | undefined;
      context.vfs.begin(context.peer.turn);
      try {
        subject = declared.open(args, context);
        if (context.uses !== undefined && context.seenIn !== context.uses.epoch) see(context);
        const ok = declared.run(args, context, subject);
        if (!(ok instanceof Promise)) return succeed(ok);
        if (changes) void context.gate.track(ok);
        return ok.then(succeed, (error) => fail(error, context, subject));
      } catch (error) {
        return fail(error, context, subject);
      }
    },
    result: {
      read: (reader) => {
        const arm = status.read(reader);
        return arm === NFS3_OK
          ? { status: arm, ok: resok.read(reader) }
          : { status: arm, fail: resfail.read(reader) };
      },
      write: (writer, result) => {
        writer.uint32(result.status);
        if (result.status === NFS3_OK) resok.write(writer, result.ok);
        else resfail.write(writer, result.fail);
      },
    },
    failureOf: (result) => (result.status === NFS3_OK ? undefined : statusName(result.status)),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: each procedure has arguments and results of its own
type AnyProcedure = RemoteProcedure<any, Context, any>;

/** The procedures of a version in the form that RemoteVersion has, from a table that says each one's number. */
export function byNumber(
  table: Readonly<Record<number, AnyProcedure>>,
): readonly (AnyProcedure | undefined)[] {
  const last = Math.max(...Object.keys(table).map(Number));
  return Array.from({ length: last + 1 }, (_, number) => table[number]);
}
