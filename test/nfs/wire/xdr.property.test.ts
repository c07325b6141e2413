import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  array,
  biguint64,
  bool,
  fixedOpaque,
  int32,
  list,
  opaque,
  optional,
  struct,
  uint32,
  uint64,
  union,
} from '../../../src/nfs/wire/xdr.ts';
import { XdrError } from '../../../src/nfs/wire/xdr-error.ts';
import { Reader } from '../../../src/nfs/wire/xdr-reader.ts';
import { Writer } from '../../../src/nfs/wire/xdr-writer.ts';

const type = struct({
  number: uint32,
  signed: int32,
  long: uint64,
  exact: biguint64,
  yes: bool,
  fixed: fixedOpaque(7),
  name: opaque(20),
  names: array(opaque(5), 8),
  maybe: optional(uint32),
  entries: list(struct({ id: uint32, name: opaque(9) }), 5),
  kind: union({ 0: uint32, 5: opaque(3) }),
});

const bytes = (size: fc.IntArrayConstraints) => fc.uint8Array(size).map((array) => Buffer.from(array));
const word = fc.integer({ min: 0, max: 0xffff_ffff });
const value = fc.record({
  number: word,
  signed: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
  long: fc.maxSafeNat(),
  exact: fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
  yes: fc.boolean(),
  fixed: bytes({ minLength: 7, maxLength: 7 }),
  name: bytes({ maxLength: 20 }),
  names: fc.array(bytes({ maxLength: 5 }), { maxLength: 8 }),
  maybe: fc.option(word, { nil: undefined }),
  entries: fc.array(fc.record({ id: word, name: bytes({ maxLength: 9 }) }), { maxLength: 5 }),
  kind: fc.oneof(
    word.map((number) => ({ kind: 0 as const, value: number })),
    bytes({ maxLength: 3 }).map((array) => ({ kind: 5 as const, value: array })),
  ),
});

function written(what: Parameters<typeof type.write>[1]): Buffer {
  const writer = new Writer(8);
  type.write(writer, what);
  return Buffer.from(writer.bytes());
}

it('reads back what it wrote', () => {
  fc.assert(
    fc.property(value, (what) => {
      const reader = new Reader().reset(written(what));
      expect(type.read(reader)).toEqual(what);
      expect(reader.remaining).toBe(0);
    }),
  );
});

it('writes words, and refuses every message that is shorter', () => {
  fc.assert(
    fc.property(value, fc.double({ min: 0, max: 0.999, noNaN: true }), (what, at) => {
      const message = written(what);
      expect(message.length % 4).toBe(0);
      const cut = message.subarray(0, Math.floor(at * message.length));
      expect(() => type.read(new Reader().reset(cut))).toThrow(XdrError);
    }),
  );
});

it('reads any bytes, or refuses them', () => {
  const changed = fc.tuple(value, fc.nat(), fc.nat({ max: 255 })).map(([what, at, byte]) => {
    const message = written(what);
    message[at % message.length] = byte;
    return message;
  });
  fc.assert(
    fc.property(fc.oneof(changed, bytes({ maxLength: 200 })), (message) => {
      try {
        type.read(new Reader().reset(message));
      } catch (error) {
        expect(error).toBeInstanceOf(XdrError);
      }
    }),
    { numRuns: 1000 },
  );
});
