import type { Caller, Peer } from '../../../src/nfs/rpc/caller.ts';
import { Identity } from '../../../src/nfs/rpc/credentials.ts';
import { Dispatcher, type Outcome } from '../../../src/nfs/rpc/dispatch.ts';
import { Replies } from '../../../src/nfs/rpc/replies.ts';
import { Statistics } from '../../../src/nfs/statistics.ts';
import { Reader } from '../../../src/nfs/wire/xdr-reader.ts';
import { Writer } from '../../../src/nfs/wire/xdr-writer.ts';
import { type FakeContext, type FakeProgram, fakeProgram } from './fake-program.ts';
import { parseReply, type Reply } from './rpc-calls.ts';

/** A client without a socket. */
export class FakeCaller implements Caller<FakeContext> {
  readonly turn = -1;
  readonly isAlone = false;
  readonly transport = 'tcp';
  readonly address: string;
  readonly port: number;
  readonly identity: Identity<FakeContext>;
  readonly replies: Reply[] = [];
  closed = false;
  calls = 0;
  going = 0;
  private readonly writer = new Writer(16);

  constructor(fake: FakeProgram, { address = '10.0.0.1', port = 700 }: Partial<Peer> = {}) {
    this.address = address;
    this.port = port;
    this.identity = new Identity((credentials) => fake.contextOf(credentials, this));
  }

  begin(): Writer {
    if (this.closed) throw new Error('a reply after the end');
    this.writer.truncate(0);
    // As behind a record mark.
    this.writer.uint32(0);
    return this.writer;
  }

  end(): void {
    this.replies.push(parseReply(Buffer.from(this.writer.bytes(4))));
  }

  counted(): void {
    this.calls += 1;
  }

  running(change: 1 | -1): void {
    this.going += change;
  }
}

export interface Rig {
  readonly fake: FakeProgram;
  readonly statistics: Statistics;
  readonly dispatcher: Dispatcher<FakeContext>;
  readonly caller: FakeCaller;
  send(message: Uint8Array, from?: FakeCaller): Outcome;
}

export function rig(replies = new Replies<FakeContext>()): Rig {
  const fake = fakeProgram();
  const statistics = new Statistics();
  const dispatcher = new Dispatcher({ programs: fake.programs, replies, statistics, log: fake.log });
  const caller = new FakeCaller(fake);
  return {
    fake,
    statistics,
    dispatcher,
    caller,
    send: (message, from = caller) => {
      // The bytes are gone afterwards, as those of a receive buffer are.
      const bytes = Buffer.from(message);
      const outcome = dispatcher.dispatch(new Reader().reset(bytes), from);
      bytes.fill(0xee);
      return outcome;
    },
  };
}

/** Lets promises that are settled have their effect. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
