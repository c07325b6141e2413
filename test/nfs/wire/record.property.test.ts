import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BufferPool, RecordError, RecordReader } from '../../../src/nfs/wire/record.ts';
import { record } from '../rpc/rpc-calls.ts';
import { feed } from './stream.ts';

const OWN = 64;
const LARGE = 600;

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
const fragmented = fc.record({
  message: fc.oneof(bytes(20), bytes(LARGE)),
  cuts: fc.array(fc.nat({ max: 90 }), { maxLength: 12 }),
});

function cut(stream: Buffer, at: readonly number[]): Buffer[] {
  const positions = [0, ...at.map((fraction) => Math.floor(fraction * stream.length)), stream.length].sort(
    (a, b) => a - b,
  );
  return positions.slice(1).map((end, index) => stream.subarray(positions[index], end));
}

it('finds the same records, however they are fragmented and wherever the stream is cut', () => {
  const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 });
  fc.assert(
    fc.property(fc.array(fragmented, { maxLength: 12 }), cuts, (parts, at) => {
      const pool = new BufferPool(LARGE, 1);
      const records = new RecordReader(Buffer.alloc(OWN), pool);
      const stream = Buffer.concat(parts.map(({ message, cuts: lengths }) => record(message, lengths)));
      expect(feed(records, cut(stream, at))).toEqual(parts.map(({ message }) => message));
      expect(records.unfinished).toBe(false);
      expect(records.holdsLarge).toBe(false);
    }),
    { numRuns: 500 },
  );
});

it('takes any bytes at all, or refuses them', () => {
  // Small numbers as marks, so that there is more to see than one endless fragment.
  const mark = fc.tuple(fc.boolean(), fc.nat({ max: 200 })).map(([last, length]) => {
    const word = Buffer.alloc(4);
    word.writeUInt32BE((last ? 0x8000_0000 : 0) + length);
    return word;
  });
  fc.assert(
    fc.property(fc.array(fc.oneof(mark, bytes(30)), { maxLength: 60 }), (pieces) => {
      const records = new RecordReader(Buffer.alloc(OWN), new BufferPool(LARGE, 1));
      try {
        for (const message of feed(records, pieces)) expect(message.length).toBeLessThanOrEqual(LARGE);
      } catch (error) {
        expect(error).toBeInstanceOf(RecordError);
      }
    }),
    { numRuns: 1000 },
  );
});
