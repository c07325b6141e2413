import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EscapeKey, type Input } from '../../src/console/escape.ts';

function typed(...chunks: (string | Buffer)[]): Input[] {
  const key = new EscapeKey();
  const parts = chunks.flatMap((chunk) => key.split(Buffer.from(chunk as string)));
  // Neighbours are one, so that the chunks do not matter.
  const joined: Input[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (part.type === 'bytes' && last?.type === 'bytes') {
      joined[joined.length - 1] = { type: 'bytes', bytes: Buffer.concat([last.bytes, part.bytes]) };
    } else joined.push(part);
  }
  return joined;
}

const bytes = (text: string): Input => ({ type: 'bytes', bytes: Buffer.from(text) });

it('what is typed goes to the board, but for the escape key', () => {
  expect(typed('reset\r')).toEqual([bytes('reset\r')]);
  expect(typed('a\x1dbc')).toEqual([bytes('a'), { type: 'break' }, bytes('c')]);
  expect(typed('\x1dq')).toEqual([{ type: 'leave' }]);
  expect(typed('\x1d\x11')).toEqual([{ type: 'leave' }]);
  expect(typed('\x1d?')).toEqual([{ type: 'help' }]);
  expect(typed('\x1dx')).toEqual([{ type: 'help' }]);
  expect(typed('a\x1d\x1db')).toEqual([bytes('a\x1db')]);
  expect(typed('a\x1d')).toEqual([bytes('a')]);
});

const byte = fc.oneof(fc.constantFrom(0x1d, 0x62, 0x71, 0x3f), fc.integer({ min: 0, max: 255 }));

it('it does not matter where the chunks end', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 8 })), fc.array(byte), (chunks, more) => {
      const parts = [...chunks.map((chunk) => Buffer.from(chunk)), Buffer.from(more)];
      expect(typed(...parts)).toEqual(typed(Buffer.concat(parts)));
    }),
  );
});

it('every byte arrives when the escape key is typed twice', () => {
  fc.assert(
    fc.property(fc.array(byte), (input) => {
      const twice = input.flatMap((one) => (one === 0x1d ? [one, one] : [one]));
      expect(typed(Buffer.from(twice))).toEqual(
        input.length > 0 ? [{ type: 'bytes', bytes: Buffer.from(input) }] : [],
      );
    }),
  );
});
