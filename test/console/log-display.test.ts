import { expect, test } from 'vitest';
import { LogDisplay } from '../../src/console/log-display.ts';
import type { Piece } from '../../src/console/log-reader.ts';

function piece(time: Date, text: string, news: Pick<Piece, 'user' | 'lost'> = {}): Piece {
  return { time, bytes: Buffer.from(text), ...news };
}

function clock(hours: number, minutes = 0, day = 21): Date {
  return new Date(2026, 10, day, hours, minutes, 5, 42);
}

test('lines have their times, sessions and days a line of their own', () => {
  const display = new LogDisplay();
  const shown = [
    piece(clock(9), '', { user: 'alice' }),
    piece(clock(10), 'U-Boot\r\nDRAM: \x1b[1m1 GiB'),
    piece(clock(10, 30), '\x1b[0m\r\n=> '),
    piece(clock(11), '', { lost: 7, user: null }),
    piece(clock(12), '\n\nNew\r'),
    piece(clock(13), '\n'),
    piece(clock(0, 0, 22), 'log\x07in: '),
  ].map((part) => display.show(part));
  expect(shown.join('') + display.end()).toBe(`--- 2026-11-21 09:00:05 console of alice ---
10:00:05.042  U-Boot
10:00:05.042  DRAM: 1 GiB
10:30:05.042  => 
--- 2026-11-21 11:00:05 7 bytes could not be logged ---
--- 2026-11-21 11:00:05 console of somebody ---
12:00:05.042  
12:00:05.042  
12:00:05.042  New
--- 2026-11-22 00:00:05 ---
00:00:05.042  login: 
`);
});

test('what has begun is shown at once, and what is cut in two is not', () => {
  const display = new LogDisplay();
  const show = (text: string | Buffer) => display.show({ time: clock(10), bytes: Buffer.from(text) });
  expect(show('login: ')).toMatch(/^--- .* ---\n10:00:05\.042 {2}login: $/);
  expect(show('ro')).toBe('ro');
  expect(show('ot\x1b[')).toBe('ot');
  expect(show('31m!')).toBe('!');
  expect(show(Buffer.from([0xc3]))).toBe('');
  expect(show(Buffer.from([0xbc]))).toBe('ü');
});
