/** From the bytes of a call to its reply, whatever they are: every accept_stat and reject_stat of RFC 5531 §9. */
import type { Log } from '../../system/log.ts';
import { PutOff } from '../put-off.ts';
import type { Statistics } from '../statistics.ts';
import { XdrError } from '../wire/xdr-error.ts';
import { Reader } from '../wire/xdr-reader.ts';
import { Writer } from '../wire/xdr-writer.ts';
import type { Caller } from './caller.ts';
import {
  AcceptStat,
  AuthStat,
  CallHeader,
  Header,
  writeAccepted,
  writeAuthError,
  writeProgramMismatch,
  writeRpcMismatch,
} from './message.ts';
import type { RemoteProgram } from './program.ts';
import type { Kept, Replies } from './replies.ts';
import {
  type AnyProcedure,
  findProgram,
  findVersion,
  type ProgramTable,
  programTable,
  type Slot,
} from './table.ts';
import { WaitingRoom } from './waiting-room.ts';

/** Kinds of bugs that are told apart. */
const MAX_BUGS = 100;

export const Outcome = {
  /** Answered, or to be answered later, or not to be answered. */
  taken: 0,
  /** No call: there is nothing to answer to. */
  malformed: 1,
  /** Not now: the same call is to be given again, see `waiting`. */
  busy: 2,
} as const;

export type Outcome = (typeof Outcome)[keyof typeof Outcome];

export interface DispatcherOptions<Context> {
  readonly programs: readonly RemoteProgram<Context>[];
  readonly replies: Replies<Context>;
  readonly statistics: Statistics;
  readonly log: Log;
  /** A client called a version that a program does not have. */
  readonly mismatch?: ((address: string, program: number, version: number) => void) | undefined;
}

export class Dispatcher<Context> {
  private readonly programs: readonly ProgramTable<Context>[];
  private readonly replies: Replies<Context>;
  private readonly statistics: Statistics;
  private readonly log: Log;
  private readonly mismatch: DispatcherOptions<Context>['mismatch'];
  private readonly header = new CallHeader();
  /** For replies that only the cache is to have. */
  private readonly scratch = new Writer();
  private readonly bugs = new Set<string>();
  /** Calls that were put off. Who gets `busy` waits for it too. */
  readonly waiting = new WaitingRoom();

  constructor({ programs, replies, statistics, log, mismatch }: DispatcherOptions<Context>) {
    this.programs = programs.map((program) => programTable(program, statistics));
    this.replies = replies;
    this.statistics = statistics;
    this.log = log;
    this.mismatch = mismatch;
  }

  /** Serves the call that `reader` is to read: a view that is read only until this returns. */
  dispatch(reader: Reader, caller: Caller<Context>): Outcome {
    const outcome = this.answer(reader, caller);
    if (outcome === Outcome.taken) caller.counted();
    return outcome;
  }

  private answer(reader: Reader, caller: Caller<Context>): Outcome {
    const start = reader.position;
    const { header } = this;
    const kind = header.read(reader);
    if (kind === Header.none) return Outcome.malformed;
    const { xid, program, version, procedure } = header;
    if (kind === Header.rpcMismatch) return this.reject(caller, (writer) => writeRpcMismatch(writer, xid));

    const authStat = readIdentity(reader, caller);
    if (authStat === undefined) return Outcome.malformed;
    if (authStat !== AuthStat.AUTH_OK) {
      return this.reject(caller, (writer) => writeAuthError(writer, xid, authStat));
    }

    const table = findProgram(this.programs, program);
    if (table === undefined) return this.refuse(caller, xid, AcceptStat.PROG_UNAVAIL);
    const slots = findVersion(table, version);
    if (slots === undefined) {
      const { low, high } = table;
      this.mismatch?.(caller.address, program, version);
      return this.reject(caller, (writer) => writeProgramMismatch(writer, xid, low, high));
    }
    const slot = slots[procedure];
    if (slot === undefined) return this.refuse(caller, xid, AcceptStat.PROC_UNAVAIL);
    return this.serve(slot, xid, reader, start, caller);
  }

  private serve(
    slot: Slot<Context>,
    xid: number,
    reader: Reader,
    start: number,
    caller: Caller<Context>,
  ): Outcome {
    const { procedure, calls } = slot;
    const raw = procedure.once ? reader.rest() : undefined;
    const known = raw && this.replies.find(caller, xid, procedure, raw);
    if (known !== undefined) return this.repeat(known, caller);

    let args: unknown;
    try {
      args = procedure.args.read(reader);
    } catch (error) {
      if (error instanceof XdrError) return this.refuse(caller, xid, AcceptStat.GARBAGE_ARGS);
      this.reportBug(procedure.name, error);
      return this.refuse(caller, xid, AcceptStat.SYSTEM_ERR);
    }
    let result: unknown;
    try {
      const context = caller.identity.context as Context;
      result = procedure.notNow?.(context);
      if (result !== undefined) {
        calls.count += 1;
        this.finish(procedure, xid, result, caller, undefined);
        this.statistics.ended(calls);
        return Outcome.taken;
      }
      result = procedure.run(args, context);
    } catch (error) {
      if (error instanceof PutOff) {
        reader.position = start;
        return this.putOff(error, reader, caller);
      }
      this.reportBug(procedure.name, error);
      return this.refuse(caller, xid, AcceptStat.SYSTEM_ERR);
    }
    calls.count += 1;
    const kept = raw && this.replies.begin(caller, xid, procedure, raw);
    if (result instanceof Promise) this.finishLater(slot, xid, result, caller, kept);
    else {
      this.finish(procedure, xid, result, caller, kept);
      this.statistics.ended(calls);
    }
    return Outcome.taken;
  }

  private finishLater(
    { procedure, calls }: Slot<Context>,
    xid: number,
    result: Promise<unknown>,
    caller: Caller<Context>,
    kept: Kept<Context> | undefined,
  ): void {
    const finish = (value: unknown) => {
      this.finish(procedure, xid, value, kept?.caller ?? caller, kept);
    };
    const fail = (error: unknown) => {
      this.reportBug(procedure.name, error);
      if (kept !== undefined) this.replies.forget(kept);
      if (!caller.closed) this.refuse(caller, xid, AcceptStat.SYSTEM_ERR);
    };
    const began = this.statistics.clock;
    const end = () => {
      calls.milliseconds += performance.now() - began;
      caller.running(-1);
    };
    caller.running(1);
    result
      .then(finish, fail)
      .then(end)
      .catch((error) => this.reportBug(procedure.name, error));
  }

  private finish(
    procedure: AnyProcedure<Context>,
    xid: number,
    result: unknown,
    caller: Caller<Context>,
    kept: Kept<Context> | undefined,
  ): void {
    const { closed } = caller;
    if (closed && kept === undefined) return;
    if (closed) this.scratch.truncate(0);
    const writer = closed ? this.scratch : caller.begin();
    const start = writer.length;
    writeAccepted(writer, xid, AcceptStat.SUCCESS);
    try {
      procedure.result.write(writer, result);
      const failure = procedure.failureOf?.(result);
      if (failure !== undefined) this.statistics.failed(failure);
    } catch (error) {
      this.reportBug(procedure.name, error);
      this.statistics.rpcErrors += 1;
      writer.truncate(start);
      writeAccepted(writer, xid, AcceptStat.SYSTEM_ERR);
    }
    if (kept !== undefined) this.replies.end(kept, writer.bytes(start));
    if (!closed) caller.end();
  }

  /** The same call came once more. */
  private repeat(kept: Kept<Context>, caller: Caller<Context>): Outcome {
    if (kept.reply === undefined) {
      kept.caller = caller;
    } else {
      this.statistics.duplicateReplies += 1;
      caller.begin().opaque(kept.reply);
      caller.end();
    }
    return Outcome.taken;
  }

  private putOff({ until }: PutOff, reader: Reader, caller: Caller<Context>): Outcome {
    const again = (call: Buffer) => {
      try {
        this.statistics.clock = performance.now();
        if (!caller.closed) this.answer(new Reader().reset(call), caller);
      } catch (error) {
        this.reportBug('put off', error);
      }
      caller.running(-1);
    };
    if (!this.waiting.enter(reader.rest(), until, again)) return Outcome.busy;
    caller.running(1);
    return Outcome.taken;
  }

  private refuse(caller: Caller<Context>, xid: number, stat: AcceptStat): Outcome {
    return this.reject(caller, (writer) => writeAccepted(writer, xid, stat));
  }

  private reject(caller: Caller<Context>, write: (writer: Writer) => void): Outcome {
    this.statistics.rpcErrors += 1;
    write(caller.begin());
    caller.end();
    return Outcome.taken;
  }

  /** Logs an error that nobody expected, once for each kind of them. */
  reportBug(where: string, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const kind = `${where} ${text.split('\n', 2).join(' ')}`;
    if (this.bugs.has(kind) || this.bugs.size >= MAX_BUGS) return;
    this.bugs.add(kind);
    this.log('error', `${where}: ${text.replaceAll(/\n\s*/g, ' | ')}`);
  }
}

/** undefined: the message ends within. */
function readIdentity<Context>(reader: Reader, caller: Caller<Context>): AuthStat | undefined {
  try {
    return caller.identity.read(reader);
  } catch (error) {
    if (error instanceof XdrError) return undefined;
    throw error;
  }
}
