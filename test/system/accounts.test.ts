import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { uidOf } from '../../src/system/accounts.ts';
import { letRead } from '../../src/system/acl.ts';
import { getAttribute } from '../../src/system/extended-attributes.ts';
import { parseKernelAcl } from '../../src/tar/acl.ts';

it('an account has a number', async () => {
  const lines = fs.readFileSync('/etc/passwd', 'utf8').trimEnd().split('\n');
  for (const [name = '', , uid] of lines.map((line) => line.split(':'))) {
    expect(await uidOf(name)).toBe(Number(uid));
  }
});

it.each(['no-such-account', '', 'root:x', 'root\n', `${'a'.repeat(5000)}`])(
  'there is no account %j',
  async (name) => expect(await uidOf(name)).toBeUndefined(),
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
