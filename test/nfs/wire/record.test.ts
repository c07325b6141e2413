import { expect, it } from 'vitest';
import { BufferPool, RecordError, RecordReader } from '../../../src/nfs/wire/record.ts';
import { record, words } from '../rpc/rpc-calls.ts';
import { feed } from './stream.ts';

const OWN = 64;
const LARGE = 1000;

function reader(buffers = 1): { records: RecordReader; pool: BufferPool } {
  const pool = new BufferPool(LARGE, buffers);
  return { records: new RecordReader(Buffer.alloc(OWN), pool), pool };
}

function bytes(length: number, first = 1): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => (first + index) & 0xff));
}

it('finds all records of one piece', () => {
  const messages = [bytes(3), bytes(0), bytes(17), bytes(8, 100)];
  expect(feed(reader().records, [Buffer.concat(messages.map((message) => record(message)))])).toEqual(
    messages,
  );
});

it.each([
  ['one after the other', [5, 5, 5]],
  ['not of words', [1, 2, 3, 7]],
  ['empty', [0, 4, 0, 0]],
  ['of single bytes', Array.from({ length: 20 }, () => 1)],
  ['with an empty last one', [20]],
])('puts fragments together: %s', (_, cuts) => {
  const stream = Buffer.concat([record(bytes(20), cuts), record(bytes(5, 50))]);
  expect(feed(reader().records, [stream])).toEqual([bytes(20), bytes(5, 50)]);
});

it.each([OWN - 4, OWN - 3, OWN, OWN + 1, LARGE])('takes a record of %i bytes', (length) => {
  const { records, pool } = reader();
  const stream = Buffer.concat([record(bytes(length)), record(bytes(7, 9))]);
  expect(feed(records, [stream])).toEqual([bytes(length), bytes(7, 9)]);
  expect(records.holdsLarge).toBe(false);
  expect(pool.take()).toBeDefined();
});

it('takes a record that becomes too long for its own buffer by its second fragment', () => {
  const stream = Buffer.concat([record(bytes(200), [30, 31, 100]), record(bytes(2))]);
  expect(feed(reader().records, [stream])).toEqual([bytes(200), bytes(2)]);
});

it('receives the bulk of a long record where it is to be', () => {
  const { records } = reader();
  const stream = record(bytes(900));
  const place = records.place();
  stream.copy(place as Buffer, 0, 0, OWN);
  records.received(OWN);
  expect(records.next()).toBe(false);
  const bulk = records.place();
  expect(bulk).toHaveLength(900 + 4 - OWN);
  stream.copy(bulk as Buffer, 0, OWN);
  records.received(900 + 4 - OWN);
  expect(records.next()).toBe(true);
  expect(records.buffer.subarray(records.start, records.end)).toEqual(bytes(900));
});

it.each([
  ['of one fragment', words(0x8000_0000 + LARGE + 1)],
  ['of the greatest length there is', words(0xffff_ffff)],
  ['of several fragments', words(600, bytes(600), 0x8000_0000 + 401)],
])('refuses a record that is too long: %s', (_, stream) => {
  expect(() => feed(reader().records, [stream])).toThrow(RecordError);
});

it('refuses endless empty fragments', () => {
  expect(() => feed(reader().records, [Buffer.alloc(4 * 2000)])).toThrow(RecordError);
});

it('waits when no large buffer is free, and goes on when one is given back', () => {
  const { records: first, pool } = reader();
  const second = new RecordReader(Buffer.alloc(OWN), pool);
  const stream = record(bytes(200));
  const fill = (records: RecordReader) => {
    stream.copy(records.place() as Buffer, 0, 0, OWN);
    records.received(OWN);
    expect(records.next()).toBe(false);
    return records.place();
  };
  expect(fill(first)).toBeDefined();
  expect(fill(second)).toBeUndefined();
  let woken = 0;
  pool.wait(() => {
    woken += 1;
  });
  expect(pool.wanted).toBe(true);
  first.release();
  expect(woken).toBe(1);
  expect(pool.wanted).toBe(false);
  const place = second.place();
  stream.copy(place as Buffer, 0, OWN);
  second.received(stream.length - OWN);
  expect(second.next()).toBe(true);
  expect(second.buffer.subarray(second.start, second.end)).toEqual(bytes(200));
});

it('lets go of buffers that nobody needed for a while, and makes others', () => {
  const pool = new BufferPool(10, 2);
  const [first, second] = [pool.take(), pool.take()];
  expect(pool.take()).toBeUndefined();
  pool.give(first as Buffer);
  pool.give(second as Buffer);
  pool.trim();
  pool.trim();
  const fresh = pool.take();
  expect(fresh).not.toBe(first);
  expect(fresh).not.toBe(second);
});
