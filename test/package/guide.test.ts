/** What the administrator's guide has an administrator type, in its order, on a Debian without anything of ours. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { STOP_MS } from '../support/container.ts';
import { PACKAGE_MS, packageFile } from '../support/package-file.ts';
import { BOOT_MS, bootPackageMachine, type PackageMachine } from '../support/package-machine.ts';

const guide = fs.readFileSync(path.resolve(import.meta.dirname, '../../docs/admin-guide.md'), 'utf8');

/** Commands are fenced as `sh` where they can be run here, and lab files as `yaml`. */
const blocks = [...guide.matchAll(/^```(sh|yaml)\n([\s\S]*?)^```$/gm)].map(
  ([, language = '', text = '']) => ({
    language,
    text,
    name: text.split('\n', 1)[0],
  }),
);

let machine: PackageMachine;

/** alice's and the administrator's machine are this one; there is no network for apt-get, and nobody to edit. */
async function prepare(): Promise<void> {
  await machine.write('/root/keys/novaboot-server_1_amd64.deb', fs.readFileSync(packageFile()));
  for (const name of ['apt-get', 'sudoedit'])
    await machine.write(`/usr/local/sbin/${name}`, '#!/bin/sh\n', '755');
  await machine.write('/root/.ssh/alice', fs.readFileSync(path.join(machine.directory, 'keys/alice')), '600');
  await machine.write(
    '/root/.ssh/config',
    'Host lab\nHostName 127.0.0.1\nIdentityFile /root/.ssh/alice\nStrictHostKeyChecking no\nLogLevel ERROR\n',
    '600',
  );
}

beforeAll(async () => {
  machine = await bootPackageMachine({ install: false });
  await prepare();
}, BOOT_MS + PACKAGE_MS);
afterAll(() => machine?.stop(), STOP_MS);

test('the guide has commands to run', () => {
  expect(blocks.filter(({ language }) => language === 'sh').length).toBeGreaterThan(5);
});

test.each(blocks)('$name', { timeout: 60_000 }, async ({ language, text }) => {
  if (language === 'yaml') return await machine.write('/etc/novaboot/lab.yaml', text);
  const { stdout, stderr, exitCode } = await machine.run(`cd /root/keys; ${text}`);
  // The boards' consoles and switches are not there, and doctor is the last of its block.
  const asDoctor = /doctor\n$/.test(text) && exitCode === 1;
  expect(asDoctor || exitCode === 0, `${stdout}${stderr}`).toBe(true);
});

test('the lab is as the guide says', async () => {
  const { stdout } = await machine.admin('list');
  expect(stdout).toMatch(/^rpi4 .* alice\* bob +nfs, power-off$/m);
  expect(stdout).toMatch(/^imx8 .* alice\* +-$/m);
  expect((await machine.ssh('bob', 'rpi4', 'get-config')).stdout).toMatch(
    /^--nfsroot=192\.168\.1\.1:\/home\/rpi4\/nfsroot\/bob\/root$/m,
  );
  expect((await machine.admin('apply', '--dry-run')).stdout).toBe('Nothing to change\n');
});
