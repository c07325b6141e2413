/** What the original leaves in a home, in a directory of the test's. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { leftovers } from '../../../src/admin/import/leftovers.ts';

let home: string;
let units: string;

beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'leftovers-'));
  units = path.join(home, '.config/systemd/user');
});
afterEach(() => fs.rmSync(home, { recursive: true }));

async function found(): Promise<string[]> {
  const { uid, gid } = os.userInfo();
  const account = { name: 'old', uid, gid, gecos: '', home, shell: '' };
  return (await leftovers.run(account, AbortSignal.timeout(10_000))).map(({ what }) => what);
}

it('are none in an empty home', async () => {
  expect(await found()).toEqual(['sessions and servers of the original left nothing']);
});

it('are units of its NFS server, and the file that named the last session', async () => {
  fs.mkdirSync(units, { recursive: true });
  for (const name of ['unfsd@.service', 'other.service']) fs.writeFileSync(path.join(units, name), '');
  fs.writeFileSync(path.join(home, 'ppid'), '1234');
  expect(await found()).toEqual([
    `${path.join(units, 'unfsd@.service')} starts the NFS server of the original`,
    '~/ppid is of a session of the original; it alone is never believed',
  ]);
});

it('are told in a few lines, whatever there is', async () => {
  fs.mkdirSync(units, { recursive: true });
  for (let number = 0; number < 100; number++) fs.writeFileSync(path.join(units, `unfsd-${number}`), '');
  expect(await found()).toHaveLength(10);
});
