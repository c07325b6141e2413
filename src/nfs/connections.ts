/** All TCP connections: what they share, and what they may cost together. */
import type net from 'node:net';
import type { Log } from '../system/log.ts';
import type { Bounds } from './bounds.ts';
import { Chunks } from './chunks.ts';
import { Connection } from './connection.ts';
import type { Peer } from './rpc/caller.ts';
import { type Credentials, Identity } from './rpc/credentials.ts';
import type { Dispatcher } from './rpc/dispatch.ts';
import type { Statistics } from './statistics.ts';
import { BufferPool } from './wire/record.ts';
import { Writer } from './wire/xdr-writer.ts';

/** A WRITE of 1 MiB with all that stands before its data. */
export const MAX_RECORD_BYTES = 1024 * 1024 + 4096;
/** Data of a READ from that length on are sent from where they are. */
const ATTACH_BYTES = 48 * 1024;
const MAX_SPARE_WRITERS = 8;
const MAX_SPARE_BYTES = 512 * 1024;

export interface ConnectionsOptions<Context> {
  readonly dispatcher: Dispatcher<Context>;
  readonly statistics: Statistics;
  readonly log: Log;
  readonly contextOf: (credentials: Credentials, peer: Peer) => Context;
  readonly bounds: Bounds;
}

export class Connections<Context> {
  readonly dispatcher: Dispatcher<Context>;
  readonly statistics: Statistics;
  readonly bounds: Bounds;
  readonly pool: BufferPool;
  readonly chunks = new Chunks();
  /** Counts the pieces of streams that were served. */
  turn = 0;
  /** Calls of all connections that go on later. */
  calls = 0;
  /** No further call is served. */
  closing = false;

  private readonly log: Log;
  private readonly contextOf: (credentials: Credentials, peer: Peer) => Context;
  private readonly open = new Set<Connection<Context>>();
  private readonly writers: Writer[] = [];
  private readonly toFlush = new Set<Connection<Context>>();
  private unsent = 0;
  private sweeper: NodeJS.Timeout | undefined;
  private whenIdle: (() => void) | undefined;

  constructor({ dispatcher, statistics, log, contextOf, bounds }: ConnectionsOptions<Context>) {
    this.dispatcher = dispatcher;
    this.statistics = statistics;
    this.log = log;
    this.contextOf = contextOf;
    this.bounds = bounds;
    this.pool = new BufferPool(MAX_RECORD_BYTES, bounds.largeBuffers);
  }

  get count(): number {
    return this.open.size;
  }

  /** Serves a client that was admitted. The socket was not read from yet. */
  accept(socket: net.Socket, address: string, port: number): void {
    if (this.open.size >= this.bounds.connections) this.closeIdlest();
    try {
      this.open.add(new Connection(socket, address, port, this));
    } catch (error) {
      // No descriptor left, or the client has left already.
      this.log('warning', `connection from ${address}: ${(error as Error).message}`);
      socket.destroy();
      return;
    }
    this.statistics.connections = this.open.size;
    this.sweeper ??= setInterval(() => this.sweep(), this.bounds.sweep);
  }

  gone(connection: Connection<Context>): void {
    this.open.delete(connection);
    this.toFlush.delete(connection);
    this.statistics.connections = this.open.size;
    this.statistics.lastActiveAt = performance.now();
    if (this.open.size > 0) return;
    clearInterval(this.sweeper);
    this.sweeper = undefined;
    this.pool.trim();
    this.pool.trim();
    this.whenIdle?.();
  }

  identify(peer: Peer): Identity<Context> {
    return new Identity((credentials) => this.contextOf(credentials, peer));
  }

  takeWriter(): Writer {
    const writer = this.writers.pop() ?? new Writer();
    writer.attachFrom = ATTACH_BYTES;
    return writer;
  }

  giveWriter(writer: Writer): void {
    if (writer.capacity > MAX_SPARE_BYTES || this.writers.length >= MAX_SPARE_WRITERS) return;
    writer.truncate(0);
    this.writers.push(writer);
  }

  /** Sends the connection's replies when those that end in this turn of the event loop are all there. */
  flushSoon(connection: Connection<Context>): void {
    if (this.toFlush.size === 0) setImmediate(() => this.flushAll());
    this.toFlush.add(connection);
  }

  private flushAll(): void {
    const connections = [...this.toFlush];
    this.toFlush.clear();
    for (const connection of connections) {
      connection.flush();
      connection.closeIfOver();
    }
  }

  /** One connection fails, the others go on. */
  reportBug(error: unknown): void {
    this.dispatcher.reportBug('connection', error);
  }

  /** Whether clients leave so many replies unread that memory is short. */
  get isCrowded(): boolean {
    return this.unsent > this.bounds.unsentOfAll;
  }

  unsentChanged(bytes: number): void {
    this.unsent += bytes;
    while (bytes > 0 && this.unsent > this.bounds.mostUnsentOfAll) this.closeSlowest();
  }

  /** Lets the calls that run end, sends their replies, and closes all connections, after `ms` milliseconds at last. */
  async close(ms: number): Promise<void> {
    this.closing = true;
    for (const connection of [...this.open]) connection.closeIfOver();
    if (this.open.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, ms);
      this.whenIdle = resolve;
      await promise;
      clearTimeout(timer);
    }
    for (const connection of [...this.open]) connection.destroy();
  }

  private sweep(): void {
    const now = performance.now();
    for (const connection of [...this.open]) if (connection.isStuck(now)) connection.destroy();
    this.pool.trim();
    this.chunks.trim();
  }

  private closeIdlest(): void {
    const all = [...this.open];
    all.reduce((idlest, other) => (other.lastActiveAt < idlest.lastActiveAt ? other : idlest)).destroy();
  }

  private closeSlowest(): void {
    const slow = [...this.open].filter(({ outbox }) => outbox.unsent > 0);
    slow
      .reduce((slowest, other) => (other.outbox.unsentSince < slowest.outbox.unsentSince ? other : slowest))
      .destroy();
  }
}
