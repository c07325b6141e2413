/** What is written to the console log is what is read from it. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  consoleDirectory,
  hasConsoleLog,
  logFile,
  logNumbers,
  timesFile,
} from '../../src/console/log-files.ts';
import { type ConsoleEntry, readConsoleLines } from '../../src/console/log-lines.ts';
import type { Range } from '../../src/console/log-position.ts';
import { LogReader } from '../../src/console/log-reader.ts';
import { watchLog } from '../../src/console/log-watch.ts';
import { type ConsoleLog, openConsoleLog } from '../../src/console/log-writer.ts';

let home: string;
let directory: string;
let told: string[];

beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-log-'));
  directory = consoleDirectory(home);
  told = [];
});
afterEach(() => {
  vi.useRealTimers();
  fs.rmSync(home, { recursive: true });
});

function open(user?: string): ConsoleLog {
  return openConsoleLog(home, user, (message) => told.push(message));
}

function write(log: ConsoleLog, ...texts: string[]): void {
  for (const text of texts) log.write(Buffer.from(text, 'latin1'));
}

/** Lines as text, other entries as objects. */
function entries(range?: Range): unknown[] {
  return [...readConsoleLines(home, range)].map((entry) =>
    entry.type === 'line' ? entry.text.toString() : entry,
  );
}

function lines(range?: Range): string[] {
  return entries(range).filter((entry) => typeof entry === 'string');
}

function at(time: string): void {
  vi.useFakeTimers({ now: new Date(time) });
}

describe('what a board says', () => {
  test('becomes lines, however it comes', () => {
    const log = open();
    write(log, 'U-Boot 2025.01\r', '\n\r\nHit ', 'any key\r\r\n=', '> ');
    expect(lines()).toEqual(['U-Boot 2025.01', '', 'Hit any key', '=> ']);
    write(log, 'boot\r\n');
    expect(lines()).toEqual(['U-Boot 2025.01', '', 'Hit any key', '=> boot']);
  });

  test('stays as it is, byte by byte', () => {
    const log = open();
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    log.write(bytes);
    log.write(bytes);
    expect(fs.readFileSync(logFile(directory, 1))).toEqual(Buffer.concat([bytes, bytes]));
  });

  test('has the times at which lines began', () => {
    const times: [string, string][] = [
      ['2026-11-21T10:00:00.000Z', 'one\ntw'],
      ['2026-11-21T10:00:01.000Z', 'o\nthree\nfour'],
      ['2026-11-21T10:00:02.000Z', ' goes on'],
      ['2026-11-21T10:00:03.000Z', ' and on\n'],
      ['2026-11-21T10:00:03.500Z', 'five'],
    ];
    at(times[0]?.[0] ?? '');
    const log = open();
    for (const [time, text] of times) {
      at(time);
      write(log, text);
    }
    const found = [...readConsoleLines(home)].filter((entry) => entry.type === 'line');
    expect(found.map(({ time, text }) => [time.toISOString().slice(17, 21), text.toString()])).toEqual([
      ['00.0', 'one'],
      ['00.0', 'two'],
      ['01.0', 'three'],
      ['01.0', 'four goes on and on'],
      ['03.5', 'five'],
    ]);
  });

  test('comes in pieces where a line does not end', () => {
    write(open(), 'x'.repeat(10_000));
    expect(lines().map((line) => line.length)).toEqual([4096, 4096, 1808]);
  });
});

describe('sessions', () => {
  test('begin with a line of their own, with their user', () => {
    at('2026-11-21T10:00:00Z');
    const first = open('alice');
    write(first, 'login: ');
    first.close();
    at('2026-11-21T11:00:00Z');
    write(open(), 'U-Boot\n');
    expect(entries()).toEqual([
      { type: 'session', time: new Date('2026-11-21T10:00:00Z'), user: 'alice' },
      'login: ',
      { type: 'session', time: new Date('2026-11-21T11:00:00Z'), user: null },
      'U-Boot',
    ]);
  });

  test('that overlap have files of their own', () => {
    const left = open('alice');
    const next = open('bob');
    write(left, 'late words\n');
    write(next, 'hello\n');
    expect(lines()).toEqual(['late words', 'hello']);
    expect(logNumbers(directory)).toEqual([1, 2]);
    left.close();
    next.close();
    write(open('carol'), 'third\n');
    expect(logNumbers(directory)).toEqual([1, 2]);
  });

  test('are private', () => {
    write(open(), 'x\n');
    const modes = [directory, logFile(directory, 1), timesFile(directory, 1)].map(
      (file) => fs.statSync(file).mode,
    );
    expect(modes.map((mode) => (mode & 0o777).toString(8))).toEqual(['700', '600', '600']);
  });
});

describe('a range', () => {
  beforeEach(() => {
    at('2026-11-21T10:00:00Z');
    const first = open('alice');
    write(first, 'a1\na2\nprompt');
    first.close();
    at('2026-11-21T11:00:00Z');
    const second = open('bob');
    write(second, 'b1\nb2 ');
    at('2026-11-21T12:00:00Z');
    write(second, 'goes on\nb3\n');
    second.close();
  });

  test.each([
    [{ last: 0 }, []],
    [{ last: 1 }, ['b3']],
    [{ last: 3 }, ['b1', 'b2 goes on', 'b3']],
    [{ last: 4 }, ['prompt', 'b1', 'b2 goes on', 'b3']],
    [{ last: 100 }, ['a1', 'a2', 'prompt', 'b1', 'b2 goes on', 'b3']],
    [{ since: new Date('2026-11-21T11:00:00Z') }, ['b1', 'b2 goes on', 'b3']],
    [{ since: new Date('2026-11-21T11:30:00Z') }, ['b3']],
    [{ since: new Date('2026-11-21T13:00:00Z') }, []],
    [{ since: new Date('2026-11-21T09:00:00Z'), last: 2 }, ['b2 goes on', 'b3']],
    [{ since: new Date('2026-11-21T11:30:00Z'), last: 5 }, ['b3']],
  ])('%j', (range, expected) => {
    expect(lines(range)).toEqual(expected);
  });
});

describe('a log that grows', () => {
  const LINE = `${'x'.repeat(1022)}\r\n`;

  test('keeps the last 32 MiB, in files that begin with a line', () => {
    const log = open();
    const chunk = LINE.slice(500) + LINE.repeat(40) + LINE.slice(0, 500);
    for (let index = 0; index < 1100; index += 1) write(log, chunk);
    write(log, '\r\n');
    const numbers = logNumbers(directory);
    expect(numbers).toHaveLength(4);
    const all = Buffer.concat(numbers.map((number) => fs.readFileSync(logFile(directory, number))));
    expect(all.length).toBeGreaterThan(24 * 1024 * 1024);
    expect(all.length).toBeLessThan(33 * 1024 * 1024);
    const said = Buffer.from(`${chunk.repeat(1100)}\r\n`, 'latin1');
    expect(said.subarray(-all.length).equals(all)).toBe(true);
    for (const number of numbers) {
      expect(fs.readFileSync(logFile(directory, number)).subarray(-2).toString()).toBe('\r\n');
    }
  });

  test('is bounded also where lines never end', () => {
    const log = open();
    for (let index = 0; index < 700; index += 1) write(log, 'x'.repeat(65_536));
    for (const number of logNumbers(directory)) {
      expect(fs.statSync(logFile(directory, number)).size).toBeLessThan(8.2 * 1024 * 1024);
    }
    expect(logNumbers(directory)).toHaveLength(4);
  });

  test('is read on and on, also when another file begins', () => {
    const log = open('alice');
    write(log, 'one\n');
    const reader = new LogReader(directory, { number: 0, offset: 0 });
    const news = () => Buffer.concat([...reader.read()].map(({ bytes }) => bytes)).toString();
    expect(news()).toBe('one\n');
    expect(news()).toBe('');
    write(log, 'tw', 'o\n');
    expect(news()).toBe('two\n');
    const many = LINE.repeat(64);
    let length = 0;
    for (let index = 0; index < 200; index += 1) {
      write(log, many);
      length += many.length;
      if (index === 100) length -= news().length;
    }
    expect(logNumbers(directory)).toEqual([1, 2]);
    expect(news()).toHaveLength(length);
    reader.close();
  });

  test('tells whoever watches it', async () => {
    const reader = new LogReader(directory, { number: 0, offset: 0 });
    let length = 0;
    let missing = 20 * 1024 * 1024;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = watchLog(directory, () => {
      for (const { bytes } of reader.read()) length += bytes.length;
      if (missing === 0 && length === 20 * 1024 * 1024) resolve();
    });
    const log = open();
    for (; missing > 0; missing -= 512 * 1024) {
      write(log, LINE.repeat(512));
      await new Promise(setImmediate);
    }
    await promise;
    stop();
    expect(logNumbers(directory)).toEqual([1, 2, 3]);
  });

  test('does not hold up who is too slow for it', () => {
    const log = open();
    const reader = new LogReader(directory, { number: 0, offset: 0 });
    write(log, 'first\n');
    expect([...reader.read()]).toHaveLength(2);
    for (let index = 0; index < 800; index += 1) write(log, LINE.repeat(64));
    write(log, 'last\n');
    const pieces = [...reader.read()];
    expect(pieces.at(-1)?.bytes.toString()).toBe('last\n');
    reader.close();
  });
});

describe('damage', () => {
  test('half a line of the times costs one time only', () => {
    const log = open('alice');
    write(log, 'one\n');
    log.close();
    fs.appendFileSync(timesFile(directory, 1), '[4,17');
    const next = open('bob');
    write(next, 'two\n');
    expect(entries().slice(1)).toEqual([
      'one',
      expect.objectContaining({ type: 'session', user: 'bob' }),
      'two',
    ]);
  });

  test('a writer that was killed between time and bytes leaves nothing odd', () => {
    const log = open('alice');
    write(log, 'one\n');
    log.close();
    fs.appendFileSync(timesFile(directory, 1), '[4,1763700000000]\n');
    write(open('bob'), 'two\n');
    expect(lines()).toEqual(['one', 'two']);
    expect(lines({ last: 1 })).toEqual(['two']);
  });

  test('without times there are still lines', () => {
    write(open(), 'one\ntwo\n');
    fs.truncateSync(timesFile(directory, 1));
    const found: ConsoleEntry[] = [...readConsoleLines(home)];
    expect(found.map(({ type }) => type)).toEqual(['line', 'line']);
    expect(Date.now() - (found[0]?.time.getTime() ?? 0)).toBeLessThan(60_000);
  });

  test('where no log can be, the user hears of it once, and the console goes on', () => {
    fs.mkdirSync(path.dirname(directory), { recursive: true });
    fs.writeFileSync(directory, 'a file');
    const log = open();
    write(log, 'one\n', 'two\n');
    log.close();
    expect(told).toEqual([expect.stringMatching(/^Not all of the console is logged: EEXIST/)]);
  });

  test('nothing logged is nothing read', () => {
    expect(hasConsoleLog(home)).toBe(false);
    expect(entries()).toEqual([]);
    expect(entries({ since: new Date(0), last: 3 })).toEqual([]);
  });
});
