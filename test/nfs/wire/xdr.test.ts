import { expect, it } from 'vitest';
import {
  array,
  biguint64,
  bool,
  enumeration,
  fixedOpaque,
  int32,
  list,
  nothing,
  opaque,
  optional,
  struct,
  uint32,
  uint64,
  union,
  type Xdr,
} from '../../../src/nfs/wire/xdr.ts';
import { XdrError } from '../../../src/nfs/wire/xdr-error.ts';
import { Reader } from '../../../src/nfs/wire/xdr-reader.ts';
import { Writer } from '../../../src/nfs/wire/xdr-writer.ts';
import { words } from '../rpc/rpc-calls.ts';

function written<T>(type: Xdr<T>, value: T): Buffer {
  const writer = new Writer(4);
  type.write(writer, value);
  return Buffer.from(writer.bytes());
}

const Colour = { red: 2, blue: 3 } as const;

it.each<[string, Xdr<never>, unknown, Buffer]>([
  ['void', nothing as Xdr<never>, undefined, Buffer.alloc(0)],
  ['unsigned int', uint32 as Xdr<never>, 0xffff_fffe, words(0xffff_fffe)],
  ['int', int32 as Xdr<never>, -2, words(0xffff_fffe)],
  ['unsigned hyper', uint64 as Xdr<never>, 0x1_0000_0002, words(1, 2)],
  [
    'unsigned hyper, each bit',
    biguint64 as Xdr<never>,
    0xffff_ffff_ffff_fffen,
    words(0xffff_ffff, 0xffff_fffe),
  ],
  ['bool', bool as Xdr<never>, true, words(1)],
  ['enum', enumeration(Colour) as Xdr<never>, 3, words(3)],
  ['opaque[5]', fixedOpaque(5) as Xdr<never>, Buffer.from('abcde'), Buffer.from('abcde\0\0\0')],
  ['opaque<>', opaque(9) as Xdr<never>, Buffer.from('abcde'), words(5, Buffer.from('abcde\0\0\0'))],
  ['an array', array(uint32, 3) as Xdr<never>, [7, 8], words(2, 7, 8)],
  ['optional data', optional(uint32) as Xdr<never>, 7, words(1, 7)],
  ['no optional data', optional(uint32) as Xdr<never>, undefined, words(0)],
  ['a list', list(uint32, 3) as Xdr<never>, [7, 8], words(1, 7, 1, 8, 0)],
  ['a structure', struct({ b: uint32, a: bool }) as Xdr<never>, { b: 5, a: false }, words(5, 0)],
  ['a union', union({ 0: nothing, 4: uint32 }) as Xdr<never>, { kind: 4, value: 9 }, words(4, 9)],
])('writes and reads %s', (_, type, value, bytes) => {
  expect(written(type, value as never)).toEqual(bytes);
  const reader = new Reader().reset(
    Buffer.concat([Buffer.of(1, 2), bytes, Buffer.of(3)]),
    2,
    2 + bytes.length,
  );
  expect(type.read(reader)).toEqual(value);
  expect(reader.remaining).toBe(0);
});

it.each<[string, Xdr<unknown>, Buffer]>([
  ['half a word', uint32, Buffer.alloc(3)],
  ['a bool of 2', bool, words(2)],
  ['an unknown value of an enumeration', enumeration(Colour), words(1)],
  ['too many bytes', opaque(4), words(5, Buffer.alloc(8))],
  ['more bytes than there are', opaque(100), words(5, Buffer.alloc(4))],
  ['the greatest length', opaque(0xffff_ffff), words(0xffff_ffff)],
  ['data without what fills the last word', fixedOpaque(5), Buffer.alloc(7)],
  ['too many elements', array(uint32, 2), words(3, 1, 2, 3)],
  ['too long a list', list(uint32, 2), words(1, 1, 1, 2, 1, 3, 0)],
  ['a list without an end', list(nothing, 1000), words(1, 1, 1)],
  ['a union without such an arm', union({ 0: nothing }), words(1)],
])('refuses %s', (_, type, bytes) => {
  expect(() => type.read(new Reader().reset(bytes))).toThrow(XdrError);
});

it('does not believe an array its length before it has seen the elements', () => {
  const before = process.memoryUsage().heapUsed;
  expect(() => array(uint32, 0xffff_ffff).read(new Reader().reset(words(50_000_000, 1)))).toThrow(XdrError);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(20_000_000);
});

it('gives views of the message, not copies', () => {
  const message = words(3, Buffer.from('abc\0'));
  const data = opaque(9).read(new Reader().reset(message));
  message.write('xyz', 4);
  expect(data.toString()).toBe('xyz');
});

it('fills the last word with zeros, whatever was there', () => {
  const writer = new Writer(16);
  writer.opaque(Buffer.alloc(16, 0xff));
  writer.truncate(0);
  writer.opaque(Buffer.from('a'));
  expect(writer.bytes()).toEqual(Buffer.from('a\0\0\0'));
});

it('grows, and keeps what it has', () => {
  const writer = new Writer(4);
  for (let index = 0; index < 1000; index += 1) writer.uint32(index);
  writer.patch(4, 4711);
  expect(new Reader().reset(writer.bytes(0, 12)).opaque(12)).toEqual(words(0, 4711, 2));
});

it('attaches long data, and only the first, instead of copying them', () => {
  const writer = new Writer();
  writer.attachFrom = 8;
  writer.uint32(1);
  const [first, second] = [Buffer.alloc(9, 7), Buffer.alloc(10, 8)];
  writer.opaque(first);
  writer.opaque(second);
  expect(writer.attachment?.bytes).toBe(first);
  expect(writer.attachment?.at).toBe(4);
  expect(writer.total).toBe(4 + 12 + 12);
  expect(writer.bytes()).toEqual(Buffer.concat([words(1), Buffer.alloc(3), second, Buffer.alloc(2)]));
  writer.truncate(5);
  expect(writer.attachment).toBeDefined();
  writer.truncate(4);
  expect(writer.attachment).toBeUndefined();
});
