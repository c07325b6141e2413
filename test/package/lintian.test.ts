/** Debian's checks of packages. What they find and is as it has to be is in packaging/lintian-overrides, with reasons. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { PACKAGE_MS, packageFile } from '../support/package-file.ts';

/** They look for long into Node, and at hardly anything else: it is in the overrides. */
const LEFT_OUT = ['libraries/embedded', 'binaries/spelling', 'binaries/architecture', 'binaries/hardening'];

it(
  'lintian finds no error, and nothing to warn of',
  () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-lintian-'));
    try {
      const file = path.join(directory, path.basename(packageFile()));
      fs.copyFileSync(packageFile(), file);
      fs.chmodSync(directory, 0o755);
      // It unpacks what it is given, so not as root.
      const user =
        process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : ['env'];
      const words = ['lintian', '--fail-on', 'error,warning', '-X', LEFT_OUT.join(','), file];
      const { status, stdout, stderr, error } = spawnSync(user[0] ?? '', [...user.slice(1), ...words], {
        encoding: 'utf8',
        env: { PATH: process.env.PATH, HOME: directory, LC_ALL: 'C' },
      });
      expect({ status, stdout, stderr, error }).toEqual({
        status: 0,
        stdout: '',
        stderr: '',
        error: undefined,
      });
    } finally {
      fs.rmSync(directory, { recursive: true });
    }
  },
  PACKAGE_MS + 180_000,
);
