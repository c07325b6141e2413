/**
 * One TCP connection: record after record becomes a call, and the replies of a whole piece of the stream leave with
 * one system call. The way of a byte through it is the hot path of the server (design.md, section 5).
 */
import net from 'node:net';
import { duplicate } from '../system/socket.ts';
import type { Connections } from './connections.ts';
import { Outbox } from './outbox.ts';
import type { Caller } from './rpc/caller.ts';
import type { Identity } from './rpc/credentials.ts';
import { Outcome } from './rpc/dispatch.ts';
import type { ClientStatistics } from './statistics.ts';
import { RecordError, RecordReader } from './wire/record.ts';
import { Reader } from './wire/xdr-reader.ts';
import type { Writer } from './wire/xdr-writer.ts';

const RECEIVE_BYTES = 16 * 1024;

/** A stream that does not bring that much in time is stuck. */
const PROGRESS_BYTES = 64 * 1024;

/**
 * Where a paused connection receives the next byte: while it is paused the place for it is not known, and Node asks
 * for it only before.
 */
const NEXT_BYTE = Buffer.alloc(1);

export class Connection<Context> implements Caller<Context> {
  readonly transport = 'tcp';
  readonly address: string;
  readonly port: number;
  readonly identity: Identity<Context>;
  closed = false;
  /** Milliseconds, as performance.now() has them. */
  lastActiveAt = performance.now();
  readonly outbox: Outbox;

  private readonly all: Connections<Context>;
  private readonly client: ClientStatistics;
  private readonly socket: net.Socket;
  private readonly records: RecordReader;
  private readonly reader = new Reader();
  private calls = 0;
  /** Where the next bytes are going to be. */
  private place: Buffer;
  private parsing = false;
  private paused = false;
  /** next() has given a record that was not taken. */
  private again = false;
  private ended = false;
  private received = 0;
  private served = 0;
  private progress = { at: this.lastActiveAt, received: 0, served: 0 };

  /** @param accepted not read from yet; this takes its place */
  constructor(accepted: net.Socket, address: string, port: number, all: Connections<Context>) {
    // Only a socket that is made from a descriptor can be told where to receive.
    const fd = duplicate(handleOf(accepted).fd);
    accepted.destroy();
    this.all = all;
    this.address = address;
    this.port = port;
    this.identity = all.identify(this);
    this.client = all.statistics.client(address);
    this.client.connections += 1;
    const own = Buffer.allocUnsafeSlow(RECEIVE_BYTES);
    this.records = new RecordReader(own, all.pool);
    this.place = own;
    this.socket = new net.Socket({
      fd,
      readable: true,
      writable: true,
      allowHalfOpen: true,
      onread: { buffer: () => this.place, callback: (length) => this.onBytes(length) },
    });
    this.outbox = new Outbox(this.socket, fd, all, {
      drained: () => this.onDrain(),
      broken: () => this.destroy(),
    });
    this.socket.on('end', () => this.onEnd());
    this.socket.on('error', () => this.destroy());
    this.socket.on('close', () => this.destroy());
    this.socket.resume();
  }

  get turn(): number {
    return this.all.turn;
  }

  get isAlone(): boolean {
    return this.all.calls === 0 && !this.records.hasMore;
  }

  /** Calls that go on later. */
  get calling(): number {
    return this.calls;
  }

  // --- What arrives ---

  /** @returns false to receive nothing for now */
  private onBytes(length: number): boolean {
    if (this.closed) return false;
    this.lastActiveAt = performance.now();
    this.client.lastCallAt = this.all.statistics.clock = this.lastActiveAt;
    this.received += length;
    this.all.statistics.bytesRead += length;
    if (this.place === NEXT_BYTE) {
      const place = this.records.place();
      if (place === undefined) throw new Error('received without a place');
      place[0] = NEXT_BYTE[0] as number;
    }
    this.records.received(length);
    return this.proceed();
  }

  /** Serves what has arrived. @returns false if not all could be served, or nothing more can be received */
  private proceed(): boolean {
    this.parsing = true;
    this.all.turn += 1;
    const ready = this.serve();
    this.parsing = false;
    this.flush();
    if (this.closed) return false;
    const place = ready ? this.records.place() : undefined;
    if (ready && place === undefined) this.all.pool.wait(this.resume);
    this.paused = place === undefined;
    this.place = place ?? NEXT_BYTE;
    if (!this.paused) this.closeIfOver();
    return !this.paused;
  }

  /** @returns whether all complete records are served */
  private serve(): boolean {
    const { records, reader } = this;
    try {
      while (!this.closed) {
        if (this.isFull()) return false;
        if (!this.again && !records.next()) return true;
        this.again = false;
        reader.reset(records.buffer, records.start, records.end);
        const outcome = this.all.dispatcher.dispatch(reader, this);
        if (outcome === Outcome.malformed) this.close();
        if (outcome !== Outcome.busy) continue;
        this.again = true;
        this.all.dispatcher.waiting.whenRoom(this.resume);
        return false;
      }
    } catch (error) {
      if (!(error instanceof RecordError)) this.all.reportBug(error);
      this.close();
    }
    return false;
  }

  private isFull(): boolean {
    const { bounds, closing, isCrowded } = this.all;
    return (
      this.outbox.unsent > (isCrowded ? 0 : bounds.unsent) || this.calls >= bounds.runningCalls || closing
    );
  }

  /** Something that the connection waited for has come. */
  private readonly resume = (): void => {
    if (!this.paused || this.parsing || this.closed) return;
    const before = this.place;
    this.all.statistics.clock = performance.now();
    if (!this.proceed()) return;
    // Node receives once more where it was told before.
    this.place = before;
    this.noteProgress(performance.now());
    this.socket.resume();
  };

  private onEnd(): void {
    this.ended = true;
    this.closeIfOver();
  }

  // --- What leaves ---

  begin(): Writer {
    return this.outbox.begin();
  }

  end(): void {
    if (!this.outbox.end() && !this.parsing) this.all.flushSoon(this);
  }

  counted(): void {
    this.served += 1;
    this.client.calls += 1;
  }

  running(change: 1 | -1): void {
    this.calls += change;
    this.all.calls += change;
    if (change > 0) return;
    if (this.calls === this.all.bounds.runningCalls - 1) this.resume();
    this.closeIfOver();
  }

  flush(): void {
    this.outbox.flush();
  }

  private onDrain(): void {
    this.lastActiveAt = performance.now();
    if (this.outbox.unsent > 0) return;
    this.resume();
    this.closeIfOver();
  }

  // --- Its end ---

  /** Whether the client is gone or keeps others waiting. */
  isStuck(now: number): boolean {
    const { bounds, pool } = this.all;
    if (now - this.lastActiveAt > bounds.silent && this.calls === 0) return true;
    const { progress, records } = this;
    const advances = this.served > progress.served || this.received - progress.received >= PROGRESS_BYTES;
    if (this.paused || !records.unfinished || advances) {
      this.noteProgress(now);
      return false;
    }
    const isWanted = records.holdsLarge && pool.wanted;
    return now - progress.at > (isWanted ? bounds.stuckAndWanted : bounds.stuck);
  }

  private noteProgress(now: number): void {
    this.progress = { at: now, received: this.received, served: this.served };
  }

  /** Whether replies are to be sent or calls to be finished. */
  get isBusy(): boolean {
    return this.calls > 0 || !this.outbox.isEmpty;
  }

  /** Ends the connection after what was answered, as far as the client takes it now. */
  close(): void {
    this.flush();
    this.destroy();
  }

  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    this.socket.destroy();
    this.records.release();
    this.all.pool.forget(this.resume);
    this.all.dispatcher.waiting.forget(this.resume);
    this.outbox.close();
    this.client.connections -= 1;
    this.all.gone(this);
  }

  /** No call is to come any more: those that came are still answered. */
  closeIfOver(): void {
    if ((this.ended || this.all.closing) && !this.parsing && !this.isBusy) this.destroy();
  }
}

function handleOf(socket: net.Socket): { readonly fd: number } {
  return (socket as unknown as { _handle: { fd: number } })._handle;
}
