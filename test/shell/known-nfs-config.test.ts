import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { knownNfsConfig } from '../../src/shell/known-nfs-config.ts';
import * as checks from '../../src/shell/nfs-config.ts';

vi.mock('../../src/shell/nfs-config.ts', { spy: true });

let home: string;
const known = () => path.join(home, '.cache/unfsd/.config');

beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'known-'));
  vi.clearAllMocks();
  // Files are older than they are.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 });
});

afterEach(() => {
  vi.useRealTimers();
  fs.rmSync(home, { recursive: true });
});

function write(text: string): void {
  fs.writeFileSync(path.join(home, '.novaboot-nfs.new'), text);
  fs.renameSync(path.join(home, '.novaboot-nfs.new'), path.join(home, '.novaboot-nfs'));
}

const timesChecked = () => vi.mocked(checks.readNfsConfig).mock.calls.length;

it('checks a file once, and again when it was changed', async () => {
  const first = { allowed_clients: ['192.0.2.1', '::1'], quota: 20 * 2 ** 30, sync: 'yes' };
  write('allowed_clients=192.0.2.1 ::1\nquota=20G\nsync=yes\n');
  for (let time = 1; time <= 3; time += 1) expect(await knownNfsConfig(home)).toEqual(first);
  expect(timesChecked()).toBe(1);
  expect(fs.statSync(known()).mode & 0o777).toBe(0o600);
  write('allowed_clients=::1\n');
  expect(await knownNfsConfig(home)).toEqual({ allowed_clients: ['::1'] });
  expect(await knownNfsConfig(home)).toEqual({ allowed_clients: ['::1'] });
  expect(timesChecked()).toBe(2);
});

it('tells each time what is wrong', async () => {
  write('allowed_clients=nobody!\n');
  for (let time = 1; time <= 2; time += 1) {
    await expect(knownNfsConfig(home)).rejects.toThrow(/\.novaboot-nfs:1: allowed_clients: expected/);
  }
});

it('remembers nothing of a file that may change once more in the same tick', async () => {
  vi.setSystemTime(Date.now() - 60_000);
  write('allowed_clients=::1\n');
  await knownNfsConfig(home);
  expect(fs.existsSync(known())).toBe(false);
});

it.each(['', 'nonsense', '{}', 'null'])('does not mind what else is in its place: %j', async (text) => {
  write('allowed_clients=::1\n');
  fs.mkdirSync(path.dirname(known()), { recursive: true });
  fs.writeFileSync(known(), text);
  expect(await knownNfsConfig(home)).toEqual({ allowed_clients: ['::1'] });
});

it('does without a place to remember it', async () => {
  write('allowed_clients=::1\n');
  fs.writeFileSync(path.join(home, '.cache'), '');
  expect(await knownNfsConfig(home)).toEqual({ allowed_clients: ['::1'] });
});
