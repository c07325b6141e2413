import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PlainText } from '../../src/console/log-text.ts';

const piece = fc.oneof(
  fc.constantFrom(
    '\x1b',
    '\x1b[',
    '\x1b[0;31m',
    '\x1b]0;x',
    '\x07',
    '\x1b\\',
    '\x9b',
    '\r',
    '\n',
    '\r\n',
    '\0',
    '\b',
  ),
  fc.constantFrom('\u202e', '\u2028', 'ü', '\x7f', ' ', '(', 'B', '[31m', 'text').map((text) => text),
  fc.string({ maxLength: 4 }),
);
const text = fc.array(piece, { maxLength: 20 }).map((pieces) => Buffer.from(pieces.join('')));
const bytes = fc.uint8Array({ maxLength: 30 }).map((array) => Buffer.from(array));

function shown(chunks: readonly Buffer[]): string {
  const plain = new PlainText();
  return chunks.map((chunk) => plain.push(chunk)).join('') + plain.end();
}

test('nothing that a terminal would obey is left', () => {
  fc.assert(
    fc.property(fc.oneof(text, bytes), (input) => {
      expect(shown([input])).toMatch(/^[^\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]*$/);
    }),
    { numRuns: 2000 },
  );
});

test('it does not matter how the bytes are cut', () => {
  fc.assert(
    fc.property(text, fc.array(fc.nat(200)), (input, cuts) => {
      const ends = [...new Set([...cuts.filter((cut) => cut < input.length), input.length])].sort(
        (a, b) => a - b,
      );
      const chunks = ends.map((end, index) => input.subarray(ends[index - 1] ?? 0, end));
      expect(shown(chunks)).toBe(shown([input]));
    }),
    { numRuns: 2000 },
  );
});
