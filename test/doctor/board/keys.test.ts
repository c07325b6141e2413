import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { keyFindings, loginFiles } from '../../../src/doctor/board/keys.ts';

const KEYS = [
  'AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl',
  'AAAAC3NzaC1lZDI1NTE5AAAAIDdp2Kk5kDL+s1dG0dvHkvKXkPPyI0SLt7YPrNJbgvGc',
];
const line = (options: string, key = 0) => `${options}${options && ' '}ssh-ed25519 ${KEYS[key]} comment\n`;
const findings = (text: string) => keyFindings('b1', Buffer.from(text));

it.each([
  'restrict,pty,command="user alice admin"',
  'restrict,pty,command="user alice",from="10.0.0.0/8",no-port-forwarding',
  'no-port-forwarding,no-agent-forwarding,no-X11-forwarding,no-user-rc,command="user bob"',
])('is content with %s', (options) => {
  expect(findings(line(options))).toMatchObject([{ severity: 'ok' }]);
});

it.each([
  ['command="user alice"', /line 1 \(alice\): no restrict/],
  ['restrict,pty,port-forwarding,command="user alice"', /no restrict/],
  ['restrict,pty,user-rc,command="user alice"', /no restrict/],
  ['no-port-forwarding,no-agent-forwarding,no-X11-forwarding,command="user bob"', /no restrict/],
  ['restrict,pty', /line 1: no command="user NAME"/],
  ['restrict,pty,command="/bin/sh"', /no command="user NAME"/],
  ['restrict,command="user alice"', /no terminal/],
  ['restrict,pty,environment="LD_PRELOAD=/x",command="user alice"', /environment=/],
  ['restrict,pty,cert-authority,command="user alice"', /cert-authority/],
])('warns of %s', (options, what) => {
  expect(findings(line(options))).toEqual([
    expect.objectContaining({ severity: 'warning', subject: 'b1', what: expect.stringMatching(what) }),
  ]);
});

it('names the lines, and counts what is too much', () => {
  const text = `# keys\n\n${line('')}${line('command="user bob"', 1)}`;
  expect(findings(text)[0]?.what).toBe('authorized_keys, lines 3, 4 (bob): no restrict');
  expect(findings(line('').repeat(30))[0]?.what).toMatch(
    /1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 20 more: no restrict/,
  );
});

it('warns of a board that nobody can use', () => {
  expect(findings('# nobody yet\n')).toMatchObject([
    { severity: 'warning', what: 'authorized_keys has no key' },
  ]);
});

it('names further files that count at logins', () => {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'keys-'));
  const names = ['rc', 'environment', 'authorized_keys2'];
  try {
    fs.mkdirSync(path.join(home, '.ssh'));
    fs.writeFileSync(path.join(home, '.ssh/authorized_keys'), '');
    expect(loginFiles(home, 'b1')).toEqual([]);
    for (const name of names) fs.writeFileSync(path.join(home, '.ssh', name), '');
    expect(loginFiles(home, 'b1').map(({ what }) => what)).toEqual(
      names.map((name) => `there is a file ~/.ssh/${name}`),
    );
  } finally {
    fs.rmSync(home, { recursive: true });
  }
});
