/** Reads XDR: RFC 4506. */
import { XdrError } from './xdr-error.ts';
import { padding, WORD } from './xdr-word.ts';

/** Reads a message from a part of a buffer. Opaque data are views of it, not copies. */
export class Reader {
  private buffer: Buffer = Buffer.alloc(0);
  private view: DataView = new DataView(this.buffer.buffer);
  /** Where in the buffer the next byte comes from. Set it back to read something again. */
  position = 0;
  private end = 0;

  /** Begins to read `buffer` from `start` to `end`. */
  reset(buffer: Buffer, start = 0, end = buffer.length): this {
    if (buffer !== this.buffer) {
      this.buffer = buffer;
      this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
    }
    this.position = start;
    this.end = end;
    return this;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.end - this.position;
  }

  /** What is left, without reading it: a view. */
  rest(): Buffer {
    return this.buffer.subarray(this.position, this.end);
  }

  uint32(): number {
    const at = this.take(WORD);
    return this.view.getUint32(at);
  }

  int32(): number {
    const at = this.take(WORD);
    return this.view.getInt32(at);
  }

  /** A view of `length` bytes; what fills the last word is passed over, whatever it is. */
  opaque(length: number): Buffer {
    const at = this.take(length + padding(length));
    return this.buffer.subarray(at, at + length);
  }

  /** Whether the next words are these; reads nothing. */
  startsWith(words: Int32Array): boolean {
    const { length } = words;
    const { view, position: at } = this;
    if (length * WORD > this.end - at) return false;
    for (let index = 0; index < length; index += 1) {
      if (view.getInt32(at + index * WORD) !== words[index]) return false;
    }
    return true;
  }

  private take(length: number): number {
    const at = this.position;
    if (length > this.end - at) throw new XdrError('the message is too short');
    this.position = at + length;
    return at;
  }
}
