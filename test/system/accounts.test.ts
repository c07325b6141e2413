import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { accountNamed, groupNamed, groupsOf, uidOf } from '../../src/system/accounts.ts';
import { letRead } from '../../src/system/acl.ts';
import { getAttribute } from '../../src/system/extended-attributes.ts';
import { parseKernelAcl } from '../../src/tar/acl.ts';

it('an account has a number', async () => {
  const lines = fs.readFileSync('/etc/passwd', 'utf8').trimEnd().split('\n');
  for (const [name = '', , uid] of lines.map((line) => line.split(':'))) {
    expect(await uidOf(name)).toBe(Number(uid));
  }
});

it('an account has a home, a shell and groups', () => {
  const lines = fs.readFileSync('/etc/passwd', 'utf8').trimEnd().split('\n');
  for (const [name = '', , uid, gid, gecos, home, shell] of lines.map((line) => line.split(':'))) {
    const account = accountNamed(name);
    expect(account).toEqual({ name, uid: Number(uid), gid: Number(gid), gecos, home, shell });
    const groups = execFileSync('id', ['-G', name], { encoding: 'utf8' }).trim().split(' ');
    expect(account && new Set(groupsOf(account))).toEqual(new Set(groups.map(Number)));
  }
});

it('a group has a number', () => {
  const lines = fs.readFileSync('/etc/group', 'utf8').trimEnd().split('\n');
  for (const [name = '', , gid] of lines.map((line) => line.split(':'))) {
    expect(groupNamed(name)).toBe(Number(gid));
  }
  expect(groupNamed('no-such-group')).toBeUndefined();
});

it.each(['no-such-account', '', 'root:x', 'root\n', `${'a'.repeat(5000)}`])(
  'there is no account %j',
  async (name) => {
    expect(await uidOf(name)).toBeUndefined();
    expect(accountNamed(name)).toBeUndefined();
  },
);

it('a file may be read by its owner and by one more account', () => {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'acl-')), 'file');
  onTestFinished(() => fs.rmSync(path.dirname(file), { recursive: true }));
  const fd = fs.openSync(file, 'w', 0o644);
  onTestFinished(() => fs.closeSync(fd));
  // Twice: another number takes the place of the one before.
  for (const uid of [1, 4_000_000_000]) {
    expect(letRead(fd, uid)).toBe(0);
    const value = Buffer.alloc(200);
    const length = getAttribute(fd, Buffer.from('system.posix_acl_access\0'), value);
    expect(parseKernelAcl(value.subarray(0, length))).toEqual({
      ...{ user: 6, group: 0, other: 0, mask: 4 },
      named: [{ kind: 'user', id: uid, access: 4 }],
    });
  }
});
