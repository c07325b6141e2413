import type { RecordReader } from '../../../src/nfs/wire/record.ts';

/** Gives the pieces to a reader, as far as each of its places goes, and returns copies of the records. */
export function feed(records: RecordReader, pieces: readonly Buffer[]): Buffer[] {
  const found: Buffer[] = [];
  for (const piece of pieces) {
    let rest = piece;
    while (rest.length > 0) {
      const place = records.place();
      if (place === undefined) throw new Error('no large buffer is free');
      if (place.length === 0) throw new Error('no room');
      const length = Math.min(place.length, rest.length);
      rest.copy(place, 0, 0, length);
      rest = rest.subarray(length);
      records.received(length);
      while (records.next()) found.push(Buffer.from(records.buffer.subarray(records.start, records.end)));
    }
  }
  return found;
}
