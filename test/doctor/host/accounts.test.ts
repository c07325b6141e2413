/** Files of accounts as passwd(5) and shadow(5) have them, in a directory of ours. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Accounts, accounts } from '../../../src/doctor/host/accounts.ts';

const TODAY = Math.floor(Date.now() / 86_400_000);
let etc = '';

beforeAll(() => {
  // No midnight comes in between.
  vi.useFakeTimers({ toFake: ['Date'], now: TODAY * 86_400_000 });
  etc = fs.mkdtempSync(path.join(os.tmpdir(), 'etc-'));
});
afterAll(() => {
  vi.useRealTimers();
  fs.rmSync(etc, { recursive: true });
});

function errorOf(shadow: string): string | undefined {
  fs.writeFileSync(path.join(etc, 'shadow'), `root:*:1:0:99999:7:::\nb1:${shadow}\n`);
  const board = { name: 'b1', uid: os.userInfo().uid || 1, home: etc, shell: '/bin/sh' };
  return new Accounts([board], etc).errorOf(board)?.what;
}

it.each([
  ['!:19000:0:99999:7:::', undefined],
  ['*:19000::::::', undefined],
  ['*::0:1:7:::', undefined],
  [`*:19000:0:-1:7::${TODAY + 1}:`, undefined],
  [`*:${TODAY - 30}:0:30:7:::`, undefined],
  ['!:19000:0:99999:7::1:', 'the account has expired'],
  [`!:19000:0:99999:7::${TODAY}:`, 'the account has expired'],
  ['*:0:0:99999:7:::', 'the password of the account has to be changed'],
  [`*:${TODAY - 31}:0:30:7:::`, 'the password of the account has to be changed'],
])('%s', (shadow, what) => {
  expect(errorOf(shadow)).toBe(what);
});

it('a login shell that is gone is an error, another one a warning', async () => {
  const others = [
    { name: 'b1', shell: '/nonexistent/novaboot-shell' },
    { name: 'b2', shell: '/bin/sh' },
  ];
  const found = await accounts.run({ boards: [], others, unsound: [] }, AbortSignal.timeout(20_000));
  expect(found.filter(({ subject }) => subject !== 'host')).toMatchObject([
    { subject: 'b1', severity: 'error', what: 'the login shell /nonexistent/novaboot-shell does not exist' },
    { subject: 'b2', severity: 'warning', what: expect.stringContaining('another novaboot-shell') },
  ]);
});

it('an account with our login shell that cannot be a board is an error', async () => {
  const unsound = [{ name: 'toor', why: "has root's uid, so it cannot be a board" }];
  const found = await accounts.run({ boards: [], others: [], unsound }, AbortSignal.timeout(20_000));
  expect(found.filter(({ subject }) => subject === 'toor')).toMatchObject([
    { severity: 'error', what: "the account has root's uid, so it cannot be a board" },
  ]);
});
