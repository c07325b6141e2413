/** What add-board leaves as it is in a home, which is a directory of the test's. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { nfsFile } from '../../src/admin/nfs-file.ts';
import { withPresent } from '../../src/admin/present.ts';
import { configFile } from '../../src/admin/template.ts';

let home: string;
beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'present-'));
});
afterEach(() => fs.rmSync(home, { recursive: true }));

const account = () => {
  const { uid, gid } = os.userInfo();
  return { name: 'a', uid, gid, gecos: '', home, shell: '' };
};
const write = (name: string, text: string) => fs.writeFileSync(path.join(home, name), text);

it('is what is not said again', () => {
  write('.novaboot-shell', configFile({ power: 'usbrelay:A', target_config: '--uboot\n--x' }));
  write('.novaboot-nfs', nfsFile({ allowed_clients: '10.0.0.0/8', server_addr: '10.0.0.1' }));
  const said = { name: 'a', config: { console: 'tcp:c:1' }, nfs: { allowed_clients: '::1' } };
  expect(withPresent(said, account())).toEqual({
    name: 'a',
    config: { power: 'usbrelay:A', target_config: '--uboot\n--x', console: 'tcp:c:1' },
    nfs: {
      allowed_clients: '::1',
      server_addr: '10.0.0.1',
      mount_options: 'rsize=1048576,wsize=1048576',
    },
  });
  expect(withPresent({ name: 'a' }, account())).toEqual({ name: 'a' });
  expect(withPresent(said, undefined)).toBe(said);
});

it('is not what would count before what is said', () => {
  write('.novaboot-shell', configFile({ console_cmd: 'cat', on_cmd: 'true', off_cmd: 'false' }));
  const said = { name: 'a', config: { console: 'tcp:c:1', power: 'usbrelay:A' } };
  expect(withPresent(said, account())).toEqual(said);
});

it('does not keep us, whatever the account has put there', () => {
  write('.novaboot-nfs', '\n'.repeat(1_000_000));
  const said = { name: 'a', nfs: { allowed_clients: '::1' } };
  const start = Date.now();
  expect(withPresent(said, account())).toEqual(said);
  expect(Date.now() - start).toBeLessThan(10_000);
});
