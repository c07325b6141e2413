/** Where a call came from and where its reply goes: a connection, or the sender of a datagram. */
import type { Writer } from '../wire/xdr-writer.ts';
import type { Identity } from './credentials.ts';

/** What is known of a client before its calls are looked at. */
export interface Peer {
  /** Numeric; an IPv4 address is written as one, whatever the socket. */
  readonly address: string;
  readonly port: number;
  readonly transport: 'tcp' | 'udp';
  /** A number that calls have in common if all of them had arrived before the first was served. */
  readonly turn: number;
  /** Besides the call that is served now, nobody waits for anything. */
  readonly isAlone: boolean;
}

export interface Caller<Context> extends Peer {
  readonly identity: Identity<Context>;
  /** Nothing can be sent any more: begin() is not to be called. */
  readonly closed: boolean;
  /** Begins a reply behind those that are there. Nothing else is begun before end(). */
  begin(): Writer;
  /** The reply is complete. */
  end(): void;
  /** A call was counted. */
  counted(): void;
  /** A call goes on later: `1`, and ended: `-1`. Its reply, if any, was given in between. */
  running(change: 1 | -1): void;
}
