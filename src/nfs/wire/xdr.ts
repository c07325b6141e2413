/** XDR (RFC 4506): a reader, a writer, and a combinator for each kind of type. */

/** What arrived is not what the type says: GARBAGE_ARGS of RFC 5531 §9. */
export class XdrError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'XdrError';
  }
}

const WORD = 4;
const TWO_32 = 0x1_0000_0000;

/** Bytes that fill the last word of `length` bytes of opaque data. RFC 4506 §3 */
function padding(length: number): number {
  return -length & (WORD - 1);
}

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

/** A type on the wire and in the program. Its name is the RFC's. */
export interface Xdr<T> {
  /** @throws XdrError */
  read(reader: Reader): T;
  write(writer: Writer, value: T): void;
}

/** The program's type of an Xdr. */
export type Value<X> = X extends Xdr<infer T> ? T : never;

/** RFC 4506 §4.16 */
export const nothing: Xdr<undefined> = {
  read: () => undefined,
  write: () => {},
};

/** RFC 4506 §4.2 */
export const uint32: Xdr<number> = {
  read: (reader) => reader.uint32(),
  write: (writer, value) => writer.uint32(value),
};

/** RFC 4506 §4.1 */
export const int32: Xdr<number> = {
  read: (reader) => reader.int32(),
  write: (writer, value) => writer.uint32(value),
};

/** RFC 4506 §4.5, as a number: exact below 2^53, which is 8 PiB, and never below it when it is more. */
export const uint64: Xdr<number> = {
  read: (reader) => reader.uint32() * TWO_32 + reader.uint32(),
  write: (writer, value) => writer.uint64(value),
};

/** RFC 4506 §4.5, where every bit counts. */
export const biguint64: Xdr<bigint> = {
  read: (reader) => (BigInt(reader.uint32()) << 32n) | BigInt(reader.uint32()),
  write: (writer, value) => writer.biguint64(value),
};

/** RFC 4506 §4.4: any word but 0 and 1 is refused. */
export const bool: Xdr<boolean> = {
  read: (reader) => {
    const value = reader.uint32();
    if (value > 1) throw new XdrError(`${value} is no boolean`);
    return value === 1;
  },
  write: (writer, value) => writer.uint32(value ? 1 : 0),
};

/** RFC 4506 §4.3: any other value is refused. */
export function enumeration<T extends number>(values: Readonly<Record<string, T>>): Xdr<T> {
  const known = new Set<number>(Object.values(values));
  return {
    read: (reader) => {
      const value = reader.uint32();
      if (!known.has(value)) throw new XdrError(`${value} is no value of the enumeration`);
      return value as T;
    },
    write: (writer, value) => writer.uint32(value),
  };
}

/** RFC 4506 §4.9: always `length` bytes. */
export function fixedOpaque(length: number): Xdr<Buffer> {
  return {
    read: (reader) => reader.opaque(length),
    write: (writer, value) => writer.opaque(value),
  };
}

/** RFC 4506 §4.10 and §4.11: at most `max` bytes. A string is bytes too: its encoding is the client's business. */
export function opaque(max: number): Xdr<Buffer> {
  return {
    read: (reader) => {
      const length = reader.uint32();
      if (length > max) throw new XdrError(`${length} bytes where at most ${max} are allowed`);
      return reader.opaque(length);
    },
    write: (writer, value) => {
      writer.uint32(value.length);
      writer.opaque(value);
    },
  };
}

/** RFC 4506 §4.13: at most `max` elements. */
export function array<T>(element: Xdr<T>, max: number): Xdr<readonly T[]> {
  return {
    read: (reader) => {
      const length = reader.uint32();
      if (length > max) throw new XdrError(`${length} elements where at most ${max} are allowed`);
      return Array.from({ length }, () => element.read(reader));
    },
    write: (writer, value) => {
      writer.uint32(value.length);
      for (const item of value) element.write(writer, item);
    },
  };
}

/** RFC 4506 §4.19 */
export function optional<T>(type: Xdr<T>): Xdr<T | undefined> {
  return {
    read: (reader) => (bool.read(reader) ? type.read(reader) : undefined),
    write: (writer, value) => {
      bool.write(writer, value !== undefined);
      if (value !== undefined) type.write(writer, value);
    },
  };
}

/** A linked list, each element with a boolean in front: `*entry` whose last field is `nextentry`. RFC 4506 §4.19 */
export function list<T>(element: Xdr<T>, max: number): Xdr<readonly T[]> {
  return {
    read: (reader) => {
      const items: T[] = [];
      while (bool.read(reader)) {
        if (items.length === max) throw new XdrError(`more than ${max} elements`);
        items.push(element.read(reader));
      }
      return items;
    },
    write: (writer, value) => {
      for (const item of value) {
        writer.uint32(1);
        element.write(writer, item);
      }
      writer.uint32(0);
    },
  };
}

type Fields = Readonly<Record<string, Xdr<unknown>>>;
type StructOf<F> = { -readonly [K in keyof F]: Value<F[K]> };

/** RFC 4506 §4.14, its fields in the order in which they are declared. */
// biome-ignore lint/suspicious/noExplicitAny: a field may be of any type; `unknown` would not take one that writes less
export function struct<F extends Readonly<Record<string, Xdr<any>>>>(fields: F): Xdr<StructOf<F>> {
  const entries = Object.entries(fields as Fields);
  return {
    read: (reader) => {
      const value: Record<string, unknown> = {};
      for (const [name, type] of entries) value[name] = type.read(reader);
      return value as StructOf<F>;
    },
    write: (writer, value) => {
      for (const [name, type] of entries) type.write(writer, (value as Record<string, unknown>)[name]);
    },
  };
}

type Arms = Readonly<Record<number, Xdr<unknown>>>;
type UnionOf<A> = { [K in keyof A & number]: { readonly kind: K; readonly value: Value<A[K]> } }[keyof A &
  number];

/** RFC 4506 §4.15, without a default arm: `kind` is the discriminant. */
// biome-ignore lint/suspicious/noExplicitAny: as for struct
export function union<A extends Readonly<Record<number, Xdr<any>>>>(arms: A): Xdr<UnionOf<A>> {
  const arm = (kind: number): Xdr<unknown> => {
    const type = (arms as Arms)[kind];
    if (type === undefined) throw new XdrError(`the union has no arm ${kind}`);
    return type;
  };
  return {
    read: (reader) => {
      const kind = reader.uint32();
      return { kind, value: arm(kind).read(reader) } as UnionOf<A>;
    },
    write: (writer, value) => {
      const { kind } = value as { kind: number };
      writer.uint32(kind);
      arm(kind).write(writer, (value as { value: unknown }).value);
    },
  };
}
