/**
 * The duplicate-request cache: a client that got no reply in time, or lost its connection, sends its call again, and
 * a REMOVE that runs twice would fail. It outlives connections, but not the process.
 */
import { crc32 } from 'node:zlib';
import type { Caller, Peer } from './caller.ts';

const MAX_REPLIES = 2048;
const MAX_BYTES = 4 * 1024 * 1024;
const PORTS = 0x1_0000;

/** A call that ran or runs. */
export interface Kept<Context> {
  readonly key: number;
  readonly address: string;
  /** While the call runs: who sent it last, and gets its reply. The connection that it came on first may be gone. */
  caller: Caller<Context> | undefined;
  /** The procedure itself: it stands for its program, version and number. */
  readonly procedure: object;
  readonly checksum: number;
  /** The whole reply, from its xid on; undefined while the call runs. */
  reply: Buffer | undefined;
}

export class Replies<Context> {
  private readonly maxReplies: number;
  private readonly maxBytes: number;
  private readonly known = new Map<number, Kept<Context>>();
  /** All of them by age, as a ring. */
  private readonly ring: (Kept<Context> | undefined)[];
  private oldest = 0;
  private count = 0;
  private bytes = 0;

  constructor(maxReplies = MAX_REPLIES, maxBytes = MAX_BYTES) {
    this.maxReplies = maxReplies;
    this.maxBytes = maxBytes;
    this.ring = new Array(maxReplies).fill(undefined);
  }

  /** The same call as one that ran or runs, or undefined. */
  find(peer: Peer, xid: number, procedure: object, args: Buffer): Kept<Context> | undefined {
    const kept = this.known.get(keyOf(peer, xid));
    if (kept === undefined || kept.procedure !== procedure || kept.address !== peer.address) return undefined;
    return kept.checksum === crc32(args) ? kept : undefined;
  }

  /** A call runs. */
  begin(caller: Caller<Context>, xid: number, procedure: object, args: Buffer): Kept<Context> {
    const kept: Kept<Context> = {
      key: keyOf(caller, xid),
      address: caller.address,
      caller,
      procedure,
      checksum: crc32(args),
      reply: undefined,
    };
    if (this.count === this.maxReplies) this.dropOldest();
    this.ring[(this.oldest + this.count) % this.maxReplies] = kept;
    this.count += 1;
    this.known.set(kept.key, kept);
    return kept;
  }

  /** The call ended with that reply, which is copied. */
  end(kept: Kept<Context>, reply: Buffer): void {
    kept.caller = undefined;
    if (this.known.get(kept.key) !== kept) return;
    kept.reply = Buffer.from(reply);
    this.bytes += reply.length;
    while (this.bytes > this.maxBytes && this.count > 0) this.dropOldest();
  }

  /** The call has no reply that is worth keeping. */
  forget(kept: Kept<Context>): void {
    kept.caller = undefined;
    if (this.known.get(kept.key) === kept) this.known.delete(kept.key);
  }

  private dropOldest(): void {
    const kept = this.ring[this.oldest];
    this.ring[this.oldest] = undefined;
    this.oldest = (this.oldest + 1) % this.maxReplies;
    this.count -= 1;
    if (kept === undefined) return;
    this.bytes -= kept.reply?.length ?? 0;
    this.forget(kept);
  }
}

/** Two clients can have the same: the later one takes the place. */
function keyOf(peer: Peer, xid: number): number {
  return xid * PORTS + peer.port;
}
