import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { endKeep, readKeep, writeKeep } from '../../src/shell/keep.ts';

let home: string;
let file: string;
beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-keep-'));
  file = path.join(home, '.local/state/novaboot/keep');
});
afterEach(() => fs.rmSync(home, { recursive: true }));

const now = new Date('2026-11-21T10:00:00Z');
const after = (seconds: number) => new Date(now.getTime() + seconds * 1000);

it('lasts until its time', () => {
  writeKeep(home, { user: 'alice', until: after(60) });
  expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toEqual({
    version: 1,
    user: 'alice',
    until: '2026-11-21T10:01:00.000Z',
  });
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  expect(readKeep(home, after(59))).toEqual({ user: 'alice', until: after(60) });
  expect(readKeep(home, after(60))).toBeUndefined();
});

it('is replaced and ended', () => {
  endKeep(home);
  writeKeep(home, { user: null, until: after(60) });
  writeKeep(home, { user: 'bob', until: after(30) });
  expect(readKeep(home, now)).toEqual({ user: 'bob', until: after(30) });
  endKeep(home);
  expect(readKeep(home, now)).toBeUndefined();
  expect(fs.readdirSync(path.dirname(file))).toEqual([]);
});

it('is none where the file is something else, or lasts for ever', () => {
  writeKeep(home, { user: 'alice', until: after(7 * 24 * 3600) });
  expect(readKeep(home, now)).toBeDefined();
  for (const text of [
    '',
    '{',
    '[]',
    '{"version":2,"user":null,"until":"2026-11-21T10:01:00Z"}',
    '{"version":1}',
  ]) {
    fs.writeFileSync(file, text);
    expect(readKeep(home, now)).toBeUndefined();
  }
  writeKeep(home, { user: 'alice', until: after(7 * 24 * 3600 + 1) });
  expect(readKeep(home, now)).toBeUndefined();
});
