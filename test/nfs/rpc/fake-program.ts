/** A program that is not NFS, for tests of what lies below the procedures. */

import { PutOff } from '../../../src/nfs/put-off.ts';
import type { Peer } from '../../../src/nfs/rpc/caller.ts';
import type { Credentials } from '../../../src/nfs/rpc/credentials.ts';
import type { RemoteProcedure, RemoteProgram } from '../../../src/nfs/rpc/program.ts';
import { nothing, opaque, struct, uint32, type Xdr } from '../../../src/nfs/wire/xdr.ts';
import type { Log } from '../../../src/system/log.ts';

export const PROGRAM = 300_300;
export const VERSIONS = { low: 2, high: 4 } as const;
export const VERSION = 4;
export const MAX_OPAQUE = 1024 * 1024;

export const Procedure = {
  nothing: 0,
  /** The same bytes back. */
  echo: 1,
  /** So many bytes. */
  read: 2,
  /** How many bytes there were. */
  write: 3,
  /** A number back, when `release` is called. */
  later: 4,
  /** How often it has run; a repeated call gets the first one's reply. */
  count: 5,
  /** As `count`, when `release` is called. */
  countLater: 6,
  bug: 7,
  rejects: 8,
  badResult: 9,
  /** The number of runs that were put off until `arrive` was called, once each. */
  putOff: 10,
  whoAmI: 11,
  fails: 13,
  badArgs: 14,
} as const;

export interface FakeContext {
  readonly credentials: Credentials;
  readonly peer: Peer;
}

export interface FakeProgram {
  readonly programs: readonly RemoteProgram<FakeContext>[];
  readonly contextOf: (credentials: Credentials, peer: Peer) => FakeContext;
  readonly log: Log;
  readonly logged: string[];
  /** How many contexts were made. */
  contexts: number;
  counted: number;
  /** Calls of `later` and `countLater` that wait. */
  readonly waiting: (() => void)[];
  /** Ends all of these. */
  release(): void;
  /** Whether putOff puts off. */
  absent: boolean;
  putOffs: number;
  arrive(): void;
}

const data = Buffer.alloc(MAX_OPAQUE);
for (let index = 0; index < data.length; index += 4) data.writeUInt32BE(index, index);

/** The bytes that `read` answers. */
export const CONTENT = data;

type Run<Args, Result> = (args: Args, context: FakeContext) => Result | Promise<Result>;

function declare<Args, Result>(
  name: string,
  args: Xdr<Args>,
  result: Xdr<Result>,
  run: Run<Args, Result>,
  more: Partial<RemoteProcedure<Args, FakeContext, Result>> = {},
): RemoteProcedure<Args, FakeContext, Result> {
  return { name, once: false, args, result, run, ...more };
}

export function fakeProgram(): FakeProgram {
  let arrival = Promise.withResolvers<void>();
  const fake: FakeProgram = {
    programs: [],
    contextOf: (credentials, peer) => {
      fake.contexts += 1;
      return { credentials, peer };
    },
    log: (priority, message) => fake.logged.push(`${priority}: ${message}`),
    logged: [],
    contexts: 0,
    counted: 0,
    waiting: [],
    release: () => {
      for (const end of fake.waiting.splice(0)) end();
    },
    absent: false,
    putOffs: 0,
    arrive: () => {
      fake.absent = false;
      arrival.resolve();
      arrival = Promise.withResolvers();
    },
  };
  const released = () => new Promise<void>((resolve) => fake.waiting.push(resolve));
  const count = () => {
    fake.counted += 1;
    return fake.counted;
  };
  const bytes = opaque(MAX_OPAQUE);
  const unreadable: Xdr<undefined> = {
    read: () => {
      throw new RangeError('a bug in a type');
    },
    write: () => {},
  };
  const table: Record<number, RemoteProcedure<never, FakeContext, never>> = {
    [Procedure.nothing]: declare('NULL', nothing, nothing, () => undefined),
    [Procedure.echo]: declare('ECHO', bytes, bytes, (echo) => echo),
    [Procedure.read]: declare('READ', uint32, bytes, (length) => data.subarray(0, length)),
    [Procedure.write]: declare('WRITE', bytes, uint32, ({ length }) => length),
    [Procedure.later]: declare('LATER', uint32, uint32, (number) => released().then(() => number)),
    [Procedure.count]: declare('COUNT', uint32, uint32, count, { once: true }),
    [Procedure.countLater]: declare('COUNT_LATER', uint32, uint32, () => released().then(count), {
      once: true,
    }),
    [Procedure.bug]: declare('BUG', nothing, nothing, () => {
      throw new TypeError('a bug');
    }),
    [Procedure.rejects]: declare('REJECTS', nothing, nothing, () => Promise.reject(new Error('another bug'))),
    [Procedure.badResult]: declare('BAD_RESULT', nothing, struct({ before: uint32, after: bytes }), () => ({
      before: 1,
      after: undefined as unknown as Buffer,
    })),
    [Procedure.putOff]: declare('PUT_OFF', bytes, bytes, (echo) => {
      if (!fake.absent) return echo;
      fake.putOffs += 1;
      throw new PutOff(arrival.promise);
    }),
    [Procedure.badArgs]: declare('BAD_ARGS', unreadable, nothing, () => undefined),
    [Procedure.whoAmI]: declare('WHO', nothing, bytes, (_, context) =>
      Buffer.from(JSON.stringify(context.credentials)),
    ),
    [Procedure.fails]: declare('FAILS', nothing, uint32, () => 5, {
      failureOf: (status) => `ERROR_${status}`,
    }),
  } as never;
  const procedures = Array.from({ length: 15 }, (_, number) => table[number]);
  (fake as { programs: unknown }).programs = [
    {
      program: PROGRAM,
      versions: [
        { version: VERSIONS.low, procedures: [table[Procedure.nothing]] },
        { version: VERSION, procedures },
      ],
    },
  ];
  return fake;
}
