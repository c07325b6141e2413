import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import type { Session } from '../../src/shell/command.ts';
import { journalPath, openJournal, powerRecord, record } from '../../src/shell/journal.ts';
import { readDeeds } from '../../src/shell/journal-reader.ts';
import { powerText, readPowerRecords, readPowerState } from '../../src/shell/power-state.ts';

let home: string;
beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-power-state-'));
});
afterEach(() => fs.rmSync(home, { recursive: true }));

const TIME = '2026-11-21T10:00:00.123Z';
const line = (user: string | undefined, action: string, status: number | null, time = TIME) =>
  `${powerRecord(user, '1.2')},"time":"${time}","action":"${action}","status":${status}}\n`;

function note(...lines: string[]): void {
  openJournal(home);
  fs.appendFileSync(journalPath(home), lines.join(''));
}

describe('the state that is remembered', () => {
  test.each([
    ['on', 0, 'on'],
    ['reset', 0, 'on'],
    ['off', 0, 'off'],
    ['on', 1, 'unknown'],
    ['off', 143, 'unknown'],
    ['off', null, 'unknown'],
  ] as const)('after %s with status %s is %s', (action, status, state) => {
    note(line('bob', 'on', null), line('bob', 'on', 0), line('alice', action, status));
    expect(readPowerState(home)).toEqual({ state, since: TIME, user: 'alice' });
  });

  it('is unknown before anybody has switched', () => {
    const unknown = { state: 'unknown', since: null, user: null };
    expect(readPowerState(home)).toEqual(unknown);
    record(openJournal(home), 'start', { user: 'bob', env: {} } as unknown as Session, '"power"');
    expect(readPowerState(home)).toEqual(unknown);
  });

  it('survives half a record, and those of another form', () => {
    note(
      line('bob', 'off', 0),
      '{"version":1,"event":"power","user":"al',
      '\n{"version":1,"event":"power"}\n',
    );
    note(line('bob', 'explode', 0), line('bob', 'on', 0).replace(':1,', ':2,'), line('bob', 'on', 0, 'now'));
    expect(readPowerState(home)).toMatchObject({ state: 'off', user: 'bob' });
  });

  it('is not looked for among endless records that are none', () => {
    note(line('bob', 'off', 0), '{"event":"power"}\n'.repeat(50_000));
    const start = Date.now();
    expect(readPowerState(home).state).toBe('unknown');
    expect(Date.now() - start).toBeLessThan(10_000);
  });

  it('is still known when the journal has started anew', () => {
    note(line(undefined, 'off', 0), `${' '.repeat(1024 * 1024)}\n`);
    openJournal(home);
    expect(fs.existsSync(journalPath(home)) && fs.statSync(journalPath(home)).size).toBe(0);
    expect(readPowerState(home)).toEqual({ state: 'off', since: TIME, user: null });
    note(line('bob', 'on', 0));
    expect(readPowerRecords(home).map(({ action }) => action)).toEqual(['off', 'on']);
  });
});

it('is no entry of the history', () => {
  note(line('bob', 'on', 0));
  record(openJournal(home), 'done', { user: 'bob', env: {} } as unknown as Session, 'on');
  expect(readDeeds(home, new Set())).toMatchObject([{ command: 'on' }]);
});

it('is told in words, of which a terminal obeys none', () => {
  const since = new Date(2026, 10, 21, 10, 0, 0).toISOString();
  const text = (state: 'on' | 'off' | 'unknown', at: string | null, user: string | null) =>
    powerText({ state, since: at, user });
  expect(text('on', since, 'alice')).toBe('The board is on since 2026-11-21 10:00:00 (alice).\n');
  expect(text('off', since, null)).toBe('The board is off since 2026-11-21 10:00:00.\n');
  expect(text('on', null, null)).toBe('The board is on.\n');
  expect(text('unknown', since, 'e\x1b[2Jve')).toBe(
    'Whether the board is on is not known: switching it at 2026-11-21 10:00:00 (e?[2Jve) has not succeeded.\n',
  );
  expect(text('unknown', null, null)).toBe(
    'Whether the board is on is not known: nobody has switched it yet.\n',
  );
});
