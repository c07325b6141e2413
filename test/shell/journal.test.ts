import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Session } from '../../src/shell/command.ts';
import { endRecord, journalPath, openJournal, record, sessionName } from '../../src/shell/journal.ts';
import { readDeeds } from '../../src/shell/journal-reader.ts';

let home: string;
beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-journal-'));
});
afterEach(() => fs.rmSync(home, { recursive: true }));

const session = (user: string | undefined) =>
  ({ user, env: { NOVABOOT_ID: 'x y laptop' } }) as unknown as Session;

it('pairs beginnings with ends', () => {
  const journal = openJournal(home);
  record(journal, 'start', session('bob'), 'console');
  record(journal, 'done', session(undefined), 'reset');
  fs.appendFileSync(journalPath(home), `${endRecord(journal)},"time":"2026-11-21T10:00:00Z","status":130}\n`);
  record(journal, 'start', session('eve'), 'on');
  fs.appendFileSync(journalPath(home), '{"half a rec');
  const deeds = readDeeds(home, new Set([sessionName(process.pid)]));
  expect(deeds).toMatchObject([
    {
      user: 'bob',
      from: 'laptop',
      command: 'console',
      end: '2026-11-21T10:00:00Z',
      status: 130,
      running: false,
    },
    { user: null, command: 'reset', status: null, running: false },
    { user: 'eve', command: 'on', end: null, status: null, running: true },
  ]);
  expect(readDeeds(home, new Set())[2]).toMatchObject({ running: false, end: null });
});

it('has no entries before the first session, and is readable by the account alone', () => {
  expect(readDeeds(home, new Set())).toEqual([]);
  openJournal(home);
  expect(fs.statSync(journalPath(home)).mode & 0o777).toBe(0o600);
});

it('starts anew past 1 MiB and keeps the older file', () => {
  record(openJournal(home), 'done', session('old'), 'reset');
  fs.appendFileSync(journalPath(home), `${' '.repeat(1024 * 1024)}\n`);
  record(openJournal(home), 'done', session('new'), 'reset');
  expect(fs.statSync(journalPath(home)).size).toBeLessThan(1024);
  expect(readDeeds(home, new Set()).map(({ user }) => user)).toEqual(['old', 'new']);
});

it('does not stop anybody where it cannot be written', () => {
  fs.writeFileSync(path.join(home, '.local'), 'a file');
  expect(openJournal(home)).toBeUndefined();
  record(undefined, 'start', session('bob'), 'console');
});
