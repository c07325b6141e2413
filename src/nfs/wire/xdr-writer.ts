/** Writes XDR: RFC 4506. */
import { padding, TWO_32, WORD } from './xdr-word.ts';

const FIRST_CAPACITY = 4096;

/** Opaque data that are sent from where they lie, between the bytes `at` of a Writer and those that follow. */
export interface Attachment {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Builds messages, one behind the other, in a buffer that grows. */
export class Writer {
  private buffer: Buffer;
  private view: DataView;
  /** Bytes written, without the attachment. */
  length = 0;
  /** Opaque data of this length or more are not copied but attached, the first ones at least. */
  attachFrom = Number.POSITIVE_INFINITY;
  /** Whoever sends the message takes it away. Valid as long as the data are where they came from. */
  attachment: Attachment | undefined = undefined;

  constructor(capacity = FIRST_CAPACITY) {
    this.buffer = Buffer.allocUnsafeSlow(capacity);
    this.view = new DataView(this.buffer.buffer);
  }

  /** All memory of the Writer, valid until the next write. */
  get memory(): Buffer {
    return this.buffer;
  }

  /** Bytes written and attached. */
  get total(): number {
    return this.attachment === undefined ? this.length : this.length + this.attachment.bytes.length;
  }

  get capacity(): number {
    return this.buffer.length;
  }

  /** A view of what was written, valid until the next write. */
  bytes(start = 0, end = this.length): Buffer {
    return this.buffer.subarray(start, end);
  }

  /** Room for `length` bytes: @returns where it begins, its content undefined. */
  skip(length: number): number {
    const at = this.length;
    const end = at + length;
    if (end > this.buffer.length) this.grow(end);
    this.length = end;
    return at;
  }

  uint32(value: number): void {
    const at = this.skip(WORD);
    this.view.setUint32(at, value);
  }

  /** Takes away what was written from there on, the attachment too if it is part of that. */
  truncate(length: number): void {
    this.length = length;
    if (this.attachment !== undefined && this.attachment.at >= length) this.attachment = undefined;
  }

  /** Changes a word that is written already. */
  patch(at: number, value: number): void {
    this.view.setUint32(at, value);
  }

  uint64(value: number): void {
    const at = this.skip(2 * WORD);
    this.view.setUint32(at, value / TWO_32);
    this.view.setUint32(at + WORD, value);
  }

  biguint64(value: bigint): void {
    const at = this.skip(2 * WORD);
    this.view.setBigUint64(at, value);
  }

  /** Bytes and what fills the last word, without a length in front. */
  opaque(bytes: Uint8Array): void {
    const { length } = bytes;
    if (length >= this.attachFrom && this.attachment === undefined) {
      this.attachment = { at: this.length, bytes };
      this.pad(length);
      return;
    }
    const at = this.skip(length + padding(length));
    this.buffer.set(bytes, at);
    this.clear(at + length);
  }

  /** Fills the last word after `length` bytes that were put into room made by skip. */
  pad(length: number): void {
    this.clear(this.skip(padding(length)));
  }

  /** At most a word, for which Buffer.fill would be slow. */
  private clear(from: number): void {
    for (let at = from; at < this.length; at += 1) this.buffer[at] = 0;
  }

  private grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.buffer.length));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
    this.view = new DataView(grown.buffer);
  }
}
