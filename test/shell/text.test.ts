import { expect, it } from 'vitest';
import { duration, printable, table } from '../../src/shell/text.ts';

it('takes out what a terminal would obey', () => {
  expect(printable('a\x1b[2Jb\x07\x9b\u202ec\nd\x7f')).toBe('a?[2Jb???c?d?');
  expect(printable('žluťoučký 漢字')).toBe('žluťoučký 漢字');
});

it('aligns columns', () => {
  expect(
    table([
      ['A', 'LONG', 'C'],
      ['1', 'x', 'y'],
    ]),
  ).toBe('A  LONG  C\n1  x     y\n');
  expect(table([])).toBe('');
});

it.each([
  [0.9, '0 s'],
  [59, '59 s'],
  [3600, '1 h'],
  [90_061, '1 d 1 h'],
  [3661, '1 h 1 min'],
])('says %d seconds as %j', (seconds, words) => expect(duration(seconds)).toBe(words));
