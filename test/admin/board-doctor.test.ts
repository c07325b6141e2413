/** What a board says of itself may be anything: its account may have put something else into the login shell's place. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Account } from '../../src/admin/account.ts';
import { boardFindings, hostBoard } from '../../src/admin/board-doctor.ts';

let home = '';

beforeAll(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'board-'));
});
afterAll(() => fs.rmSync(home, { recursive: true }));

function account(script: string): Account {
  const shell = path.join(home, 'shell');
  fs.writeFileSync(shell, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const { uid, gid } = os.userInfo();
  return { name: 'b1', uid, gid, gecos: '', home, shell };
}

const finding = { check: 'keys', severity: 'warning', subject: 'b1', what: 'a', why: 'b', fix: 'c' };
const said = (findings: readonly object[]) => `cat <<'END'\n${JSON.stringify({ version: 1, findings })}\nEND`;

it('is asked in its home, by the words of its users', async () => {
  const found = await boardFindings([
    account(
      `[ "$PWD" = ${home} ] && [ "$*" = "-c doctor --json --board" ] || exit\n${said([finding])}\nexit 1`,
    ),
  ]);
  expect(found).toEqual([finding]);
});

it('speaks for itself only', async () => {
  const found = await boardFindings([account(said([{ ...finding, subject: 'b2' }]))]);
  expect(found).toEqual([finding]);
});

const SILENT = /^the login shell does not say how the board is: /;

it.each([
  ['nothing', 'exit 0', 'status 0, and not its findings'],
  ['its error', 'echo "novaboot-shell: no home" >&2; exit 78', 'novaboot-shell: no home'],
  ['garbage', 'echo "{"', 'status 0, and not its findings'],
  ['another severity', said([{ ...finding, severity: 'fine' }]), 'status 0, and not its findings'],
  ['an endless text', said([{ ...finding, what: 'x'.repeat(5000) }]), 'status 0, and not its findings'],
  ['too many', said(Array(1001).fill(finding)), 'status 0, and not its findings'],
  ['too much', 'yes', 'it was ended'],
])('%s', async (_, script, why) => {
  const found = await boardFindings([account(script)]);
  expect(found).toMatchObject([
    { check: 'board', severity: 'error', subject: 'b1', what: expect.stringMatching(SILENT) },
  ]);
  expect(found[0]?.what).toContain(why);
});

it('nothing of what it starts keeps us', async () => {
  const start = Date.now();
  const [found] = await boardFindings([account('sleep 1000 & yes')]);
  expect(found?.severity).toBe('error');
  expect(Date.now() - start).toBeLessThan(20_000);
});

it('is bounded, and what bounds it touches nobody else', async () => {
  const init = () => fs.readFileSync('/proc/1/oom_score_adj', 'latin1');
  const before = init();
  const pattern = 's/^Max \\(data\\|core\\|proc\\)[^0-9]*\\([0-9]*\\).*/\\2/p';
  const limits = `$(cat /proc/self/oom_score_adj; sed -n '${pattern}' /proc/self/limits)`;
  const found = await boardFindings([
    account(
      `limits=$(echo ${limits})\nsed "s/LIMITS/$limits/" <<'END'\n${JSON.stringify({ findings: [{ ...finding, what: 'LIMITS' }] })}\nEND`,
    ),
  ]);
  expect(found[0]?.what).toBe('1000 2000000000 0 1000');
  expect(init()).toBe(before);
});

it('boards keep their order', async () => {
  const boards = Array.from({ length: 9 }, (_, index) => ({
    ...account(said([finding])),
    name: `b${index}`,
  }));
  expect((await boardFindings(boards)).map(({ subject }) => subject)).toEqual(boards.map(({ name }) => name));
});

it('when all together take too long, those that are left are passed over', async () => {
  const found = await boardFindings([account(said([finding]))], 0);
  expect(found).toMatchObject([
    { check: 'board', severity: 'warning', subject: 'b1', what: expect.stringContaining('not looked at') },
  ]);
});

it('knows where uploads go', () => {
  const board = account('exit');
  expect(hostBoard(board)).toMatchObject({ uploads: undefined, hasFiles: false });
  fs.mkdirSync(path.join(home, 'files'));
  fs.symlinkSync('files', path.join(home, 'tftproot'));
  const uploads = fs.realpathSync(path.join(home, 'files'));
  expect(hostBoard(board)).toMatchObject({ uploads, hasFiles: false });
  fs.writeFileSync(path.join(uploads, 'Image'), '');
  expect(hostBoard(board)).toMatchObject({ uploads, hasFiles: true });
});
