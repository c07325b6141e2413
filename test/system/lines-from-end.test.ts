import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { linesFromEnd } from '../../src/system/lines-from-end.ts';

let directory: string;

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'lines-'));
});

afterEach(() => fs.rmSync(directory, { recursive: true }));

it.each(['', 'one', 'one\n', 'one\ntwo', '\n\nthree\n', `${'ä'.repeat(70_000)}\nlast\n`])(
  'reads lines from the end: case %#',
  (text) => {
    const file = path.join(directory, 'file');
    fs.writeFileSync(file, text);
    expect([...linesFromEnd(file, 1e6)].reverse().join('\n')).toBe(text);
  },
);

it('reads no more than it may, and no part of a line', () => {
  const file = path.join(directory, 'file');
  fs.writeFileSync(file, 'first\n');
  // A hole that nobody could read through.
  fs.truncateSync(file, 2 ** 40);
  fs.appendFileSync(file, '\nlast\n');
  expect([...linesFromEnd(file, 1e6)]).toEqual(['', 'last']);
});

it('waits for no FIFO', () => {
  const fifo = path.join(directory, 'fifo');
  expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
  expect([...linesFromEnd(fifo, 1e6)]).toEqual([]);
  expect([...linesFromEnd(path.join(directory, 'missing'), 1e6)]).toEqual([]);
});
