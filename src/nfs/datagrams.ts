/** UDP: a datagram is a call, another one its reply. For boot loaders and old kernels; plain rather than fast. */
import type dgram from 'node:dgram';
import type { Log } from '../system/log.ts';
import { plainAddress } from './address.ts';
import type { Caller, Peer } from './rpc/caller.ts';
import { type Credentials, Identity } from './rpc/credentials.ts';
import type { Dispatcher } from './rpc/dispatch.ts';
import type { ClientStatistics, Statistics } from './statistics.ts';
import { Reader } from './wire/xdr-reader.ts';
import { Writer } from './wire/xdr-writer.ts';

const MAX_SENDERS = 256;
/** Replies that the kernel has not taken. */
const MAX_QUEUED_BYTES = 4 * 1024 * 1024;
const MAX_RUNNING = 256;

export interface DatagramsOptions<Context> {
  readonly dispatcher: Dispatcher<Context>;
  readonly statistics: Statistics;
  readonly log: Log;
  readonly contextOf: (credentials: Credentials, peer: Peer) => Context;
  readonly admit: (address: string, port: number) => boolean;
}

export class Datagrams<Context> {
  /** Calls that go on later. */
  calls = 0;
  readonly statistics: Statistics;
  private readonly options: DatagramsOptions<Context>;
  private readonly senders = new Map<string, Sender<Context>>();
  private readonly reader = new Reader();
  private readonly sockets: dgram.Socket[] = [];
  private closing = false;
  /** The sockets are closed. */
  closed = false;
  private whenIdle: (() => void) | undefined;

  constructor(options: DatagramsOptions<Context>) {
    this.options = options;
    this.statistics = options.statistics;
  }

  serve(socket: dgram.Socket): void {
    this.sockets.push(socket);
    socket.on('message', (message, { address, port }) => this.onDatagram(socket, message, address, port));
    // What an ICMP message told of an earlier reply, for example.
    socket.on('error', (error) => this.options.log('warning', `UDP: ${error.message}`));
  }

  /** Lets the calls that run end, for at most `ms` milliseconds. */
  async close(ms: number): Promise<void> {
    this.closing = true;
    if (this.calls > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, ms);
      this.whenIdle = resolve;
      await promise;
      clearTimeout(timer);
    }
    this.closed = true;
    for (const socket of this.sockets.splice(0)) socket.close();
  }

  running(change: 1 | -1): void {
    this.calls += change;
    if (this.calls === 0) this.whenIdle?.();
  }

  private onDatagram(socket: dgram.Socket, message: Buffer, from: string, port: number): void {
    const { admit, dispatcher, statistics } = this.options;
    const address = plainAddress(from);
    if (this.closing || !admit(address, port)) return;
    statistics.bytesRead += message.length;
    // Whoever gets no reply sends the call again.
    if (this.calls >= MAX_RUNNING || socket.getSendQueueSize() > MAX_QUEUED_BYTES) return;
    const sender = this.sender(socket, from, address, port);
    sender.seen();
    dispatcher.dispatch(this.reader.reset(message), sender);
  }

  private sender(socket: dgram.Socket, from: string, address: string, port: number): Sender<Context> {
    const name = `${from} ${port}`;
    const known = this.senders.get(name);
    if (known?.socket === socket) return known;
    if (this.senders.size >= MAX_SENDERS) this.senders.clear();
    const sender = new Sender(socket, from, address, port, this, this.options.contextOf);
    this.senders.set(name, sender);
    return sender;
  }
}

/** One client's port. */
class Sender<Context> implements Caller<Context> {
  readonly transport = 'udp';
  /** No turn of a connection's: every datagram is looked at anew. */
  readonly turn = -1;
  readonly isAlone = false;
  readonly address: string;
  readonly port: number;
  readonly identity: Identity<Context>;
  readonly socket: dgram.Socket;
  /** As the socket has it. */
  private readonly from: string;
  private readonly all: Datagrams<Context>;
  private readonly client: ClientStatistics;
  private writer: Writer | undefined;

  constructor(
    socket: dgram.Socket,
    from: string,
    address: string,
    port: number,
    all: Datagrams<Context>,
    contextOf: (credentials: Credentials, peer: Peer) => Context,
  ) {
    this.socket = socket;
    this.from = from;
    this.address = address;
    this.port = port;
    this.all = all;
    this.client = all.statistics.client(address);
    this.identity = new Identity((credentials) => contextOf(credentials, this));
  }

  get closed(): boolean {
    return this.all.closed;
  }

  seen(): void {
    const now = performance.now();
    this.client.lastCallAt = this.all.statistics.lastActiveAt = this.all.statistics.clock = now;
  }

  counted(): void {
    this.client.calls += 1;
    this.client.lastDatagramAt = this.client.lastCallAt;
  }

  running(change: 1 | -1): void {
    this.all.running(change);
  }

  begin(): Writer {
    // Node sends it later and needs the memory until then.
    this.writer = new Writer();
    return this.writer;
  }

  end(): void {
    if (this.writer === undefined) return;
    const reply = this.writer.bytes();
    this.writer = undefined;
    this.all.statistics.bytesWritten += reply.length;
    this.socket.send(reply, this.port, this.from, () => {
      // EMSGSIZE, EPERM, ENETUNREACH: the reply is lost, as datagrams may be.
    });
  }
}
