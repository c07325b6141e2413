/** XDR (RFC 4506): a combinator for each kind of type. */
import { XdrError } from './xdr-error.ts';
import type { Reader } from './xdr-reader.ts';
import { TWO_32 } from './xdr-word.ts';
import type { Writer } from './xdr-writer.ts';

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
