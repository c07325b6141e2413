import { expect, test } from 'vitest';
import { parseSince } from '../../src/console/log-since.ts';

/** Local time: tests run in any time zone. */
const NOW = new Date(2026, 10, 21, 10, 30, 15, 500);

test.each([
  ['30s', new Date(2026, 10, 21, 10, 29, 45, 500)],
  ['10m', new Date(2026, 10, 21, 10, 20, 15, 500)],
  ['2h', new Date(2026, 10, 21, 8, 30, 15, 500)],
  ['1d', new Date(NOW.getTime() - 86_400_000)],
  ['10:30', new Date(2026, 10, 21, 10, 30)],
  ['9:05:01', new Date(2026, 10, 21, 9, 5, 1)],
  ['23:00', new Date(2026, 10, 20, 23)],
  ['2026-11-01', new Date(2026, 10, 1)],
  ['2026-11-01T10:00', new Date(2026, 10, 1, 10)],
  ['2026-11-01T10:00:00.123', new Date(2026, 10, 1, 10, 0, 0, 123)],
  ['2026-11-01T10:00:00Z', new Date('2026-11-01T10:00:00Z')],
  ['2026-11-01T10:00:00+02:00', new Date('2026-11-01T08:00:00Z')],
])('%s', (text, time) => {
  expect(parseSince(text, NOW)).toEqual(time);
});

test.each([
  '',
  'yesterday',
  '10',
  '-10m',
  '1w',
  '24:00',
  '10:60',
  '2026-13-01',
  '2026-11-21 10:00',
  '9999999d',
])('%j is no time', (text) => {
  expect(parseSince(text, NOW)).toBeUndefined();
});
