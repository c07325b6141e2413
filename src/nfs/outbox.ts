/** The replies of one connection on their way out: several in one system call, and never one past another. */
import type net from 'node:net';
import { send } from '../system/socket.ts';
import { CHUNK_BYTES, type Chunks } from './chunks.ts';
import type { Statistics } from './statistics.ts';
import { LAST_FRAGMENT, MARK_BYTES } from './wire/record.ts';
import type { Writer } from './wire/xdr-writer.ts';

/** Replies are sent when they are that long together, though more are to come at once. */
const FLUSH_BYTES = 256 * 1024;
const EAGAIN = 11;

/** What all connections share. */
export interface Supply {
  readonly chunks: Chunks;
  readonly statistics: Statistics;
  takeWriter(): Writer;
  giveWriter(writer: Writer): void;
  /** The bytes that clients do not read have become more, or less. May close connections. */
  unsentChanged(bytes: number): void;
}

export interface OutboxEvents {
  /** The client has read something that waited. */
  drained(): void;
  /** Nothing can be sent any more. */
  broken(): void;
}

export class Outbox {
  /** Bytes of replies that wait for the client to read. */
  unsent = 0;
  /** Since when it reads none of them. */
  unsentSince = 0;

  private readonly socket: net.Socket;
  private readonly fd: number;
  private readonly supply: Supply;
  private readonly on: OutboxEvents;
  /** Replies that are complete but not sent, and one that is being written. */
  private writer: Writer | undefined;
  private mark = 0;
  private closed = false;

  constructor(socket: net.Socket, fd: number, supply: Supply, on: OutboxEvents) {
    this.socket = socket;
    this.fd = fd;
    this.supply = supply;
    this.on = on;
  }

  get isEmpty(): boolean {
    return this.unsent === 0 && this.writer === undefined;
  }

  /** Begins a reply, with its record mark. */
  begin(): Writer {
    this.writer ??= this.supply.takeWriter();
    this.mark = this.writer.skip(MARK_BYTES);
    return this.writer;
  }

  /** The reply is complete. @returns whether it was sent at once, as far as the client takes it */
  end(): boolean {
    const { writer } = this;
    if (writer === undefined) return true;
    writer.patch(this.mark, writer.total - this.mark - MARK_BYTES + LAST_FRAGMENT);
    // What is attached is there only now.
    if (writer.attachment === undefined && writer.length < FLUSH_BYTES) return false;
    this.flush();
    return true;
  }

  /** Sends what there is, as far as the client takes it. */
  flush(): void {
    const { writer } = this;
    if (writer === undefined) return;
    this.writer = undefined;
    // Node may have closed the descriptor before it says so.
    if (!this.closed && !this.socket.destroyed) this.sendAll(writer);
    this.supply.giveWriter(writer);
  }

  /** What was not sent is lost. */
  close(): void {
    this.closed = true;
    this.flush();
    this.supply.unsentChanged(-this.unsent);
    this.unsent = 0;
  }

  private sendAll(writer: Writer): void {
    const { attachment, length, memory } = writer;
    this.supply.statistics.bytesWritten += writer.total;
    if (attachment === undefined) {
      this.sendPart(memory, 0, length, false);
      return;
    }
    const { at, bytes } = attachment;
    this.sendPart(memory, 0, at, true);
    this.sendPart(bytes, 0, bytes.length, at < length);
    this.sendPart(memory, at, length, false);
  }

  private sendPart(bytes: Uint8Array, start: number, end: number, more: boolean): void {
    let sent = start;
    // What the socket has to send already goes first.
    if (this.unsent === 0 && start < end && !this.closed) {
      const part = start === 0 ? bytes : bytes.subarray(start);
      const taken = send(this.fd, part, end - start, more);
      if (taken >= 0) sent += taken;
      else if (taken !== -EAGAIN) this.on.broken();
    }
    if (sent < end) this.sendLater(bytes.subarray(sent, end));
  }

  /** Copies the bytes, for the kernel takes them only when the client has read others. */
  private sendLater(bytes: Uint8Array): void {
    if (this.unsent === 0) this.unsentSince = performance.now();
    for (let at = 0; at < bytes.length && !this.closed; at += CHUNK_BYTES) {
      const part = bytes.subarray(at, at + CHUNK_BYTES);
      const chunk = this.supply.chunks.take(part.length);
      chunk.set(part);
      this.unsent += part.length;
      this.supply.unsentChanged(part.length);
      // That may have closed this very connection.
      if (!this.closed) this.sendChunk(chunk, part.length);
    }
  }

  private sendChunk(chunk: Buffer, length: number): void {
    this.socket.write(chunk.subarray(0, length), (error) => {
      this.supply.chunks.give(chunk);
      if (error || this.closed) return;
      this.unsent -= length;
      this.supply.unsentChanged(-length);
      this.unsentSince = performance.now();
      this.on.drained();
    });
  }
}
