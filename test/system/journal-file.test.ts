import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RefusedRecord } from '../../src/system/boot-records.ts';
import { JournalFile } from '../../src/system/journal-file.ts';

const SOURCE = path.resolve(import.meta.dirname, '../../src/system/journal-file.ts');
const MAX_BYTES = 256 * 1024;

let directory: string;
let file: string;
const log = vi.fn();

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'journal-'));
  file = path.join(directory, 'x.journal');
  log.mockClear();
});
afterEach(() => {
  vi.useRealTimers();
  fs.rmSync(directory, { recursive: true });
});

const record = (reason: string) => (): RefusedRecord => ({
  ...{ version: 1, event: 'refused', time: '2026-11-21T10:00:00.123Z' },
  ...{ client: '192.0.2.1', reason },
});

/** What the records of a file say. */
const told = (name = file) =>
  fs
    .readFileSync(name, 'utf8')
    .split(/\n(?!$)/)
    .map((line) => JSON.parse(line));
const reasons = (name = file) => told(name).map(({ reason }) => reason);

/** Until the limit of a kind's records would be reached. */
function fill(journal: JournalFile, count: number, length: number): void {
  for (let index = 0; index < count; index += 1) journal.append(`kind ${index}`, record('x'.repeat(length)));
}

describe('a journal', () => {
  it('is made with the first record, for its owner only, whatever the umask is', () => {
    const before = process.umask(0);
    const journal = new JournalFile({ file, log });
    expect(fs.existsSync(file)).toBe(false);
    journal.append('refused', record('a'));
    journal.append('refused', record('b'));
    process.umask(before);
    expect(fs.readFileSync(file, 'utf8')).toBe(
      `${JSON.stringify(record('a')())}\n${JSON.stringify(record('b')())}\n`,
    );
    expect(fs.statSync(file).mode).toBe(0o100600);
  });

  it('is prepared whenever it is opened', () => {
    const opened = vi.fn();
    const journal = new JournalFile({ file, log, opened });
    journal.append('refused', record('a'));
    journal.append('refused', record('b'));
    expect(opened).toHaveBeenCalledTimes(1);
    fs.unlinkSync(file);
    journal.append('refused', record('c'));
    expect(opened).toHaveBeenCalledTimes(2);
    expect(reasons()).toEqual(['c']);
  });

  it('begins anew when it is full, and keeps one older file', () => {
    const journal = new JournalFile({ file, log });
    journal.append('refused', record('first'));
    fill(journal, 64, 8192);
    const sizes = () => [file, `${file}.1`].map((name) => fs.statSync(name).size);
    expect(reasons(`${file}.1`)[0]).toBe('first');
    for (const size of sizes()) expect(size).toBeLessThan(MAX_BYTES + 8300);
    fill(journal, 64, 8192);
    expect(reasons(`${file}.1`)[0]).not.toBe('first');
    for (const size of sizes()) expect(size).toBeLessThan(MAX_BYTES + 8300);
    expect(fs.readdirSync(directory)).toEqual(['x.journal', 'x.journal.1']);
  });

  it('is shared with another process: only one of them begins the next file', () => {
    const [one, other] = [new JournalFile({ file, log }), new JournalFile({ file, log })];
    other.append('refused', record('first'));
    fill(one, 32, 8192);
    one.append('refused', record('next'));
    other.append('refused', record('other'));
    expect(reasons()).toEqual(['next', 'other']);
    expect(reasons(`${file}.1`)[0]).toBe('first');
  });

  it('is not followed through a symbolic link', () => {
    fs.symlinkSync('elsewhere', file);
    const journal = new JournalFile({ file, log });
    journal.append('refused', record('a'));
    expect(fs.readdirSync(directory)).toEqual(['x.journal']);
    expect(log.mock.calls).toEqual([['warning', expect.stringMatching(/x\.journal: ELOOP/)]]);
  });
});

describe('a journal that cannot be written', () => {
  it('is told once, until it can', () => {
    fs.mkdirSync(file);
    const journal = new JournalFile({ file, log });
    for (let count = 0; count < 3; count += 1) journal.append('refused', record('lost'));
    expect(log.mock.calls).toEqual([['warning', expect.stringMatching(/x\.journal: EISDIR/)]]);
    fs.rmdirSync(file);
    journal.append('refused', record('a'));
    expect(reasons()).toEqual(['a']);
    fs.unlinkSync(file);
    fs.mkdirSync(file);
    journal.append('refused', record('lost'));
    expect(log).toHaveBeenCalledTimes(2);
  });

  it('has no room: there are whole lines only, and more of them as soon as there is some', () => {
    const script = `
      import { JournalFile } from ${JSON.stringify(SOURCE)};
      const log = (priority, message) => console.log(message);
      const journal = new JournalFile({ file: ${JSON.stringify(file)}, log });
      const append = (reason) => journal.append('refused', () => ({ version: 1, event: 'refused', reason }));
      append('a');
      append('b'.repeat(300));
      append('c'.repeat(300));
      append('d');`;
    const limited = ['--fsize=200', process.execPath, '--input-type=module-typescript', '--eval', script];
    const output = execFileSync('prlimit', limited, { encoding: 'utf8' });
    expect(output).toBe(`${file}: no room for a whole line\n`);
    expect(reasons()).toEqual(['a', 'd']);
  });
});

describe('the limit of records', () => {
  it('is one for each kind, and what is left out is told when the minute is over', () => {
    vi.useFakeTimers();
    vi.setSystemTime(new Date('2026-11-21T10:00:00Z'));
    const journal = new JournalFile({ file, log });
    for (let count = 0; count < 400; count += 1) journal.append('refused', record(`${count}`));
    expect(reasons().at(-1)).toBe('299');
    journal.append('mount', record('other'));
    vi.advanceTimersByTime(59_999);
    journal.append('refused', record('too early'));
    expect(reasons().at(-1)).toBe('other');
    vi.advanceTimersByTime(1);
    journal.append('refused', record('again'));
    expect(told().slice(-2)).toEqual([
      { version: 1, event: 'left-out', time: '2026-11-21T10:00:00.000Z', of: 'refused', count: 101 },
      record('again')(),
    ]);
    vi.advanceTimersByTime(60_000);
    journal.append('refused', record('calm'));
    expect(reasons().slice(-2)).toEqual(['again', 'calm']);
    expect(log).not.toHaveBeenCalled();
  });
});
