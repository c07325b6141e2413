/** The package of the other architecture: its programs run by QEMU, with the libraries of a Debian for it. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const LIBRARIES = path.join(ROOT, 'node_modules/.cache/novaboot-arm64');
/** Emulated, on a loaded machine. */
const RUN_MS = 120_000;
let directory: string;

beforeAll(() => {
  if (!fs.existsSync(path.join(LIBRARIES, 'lib/ld-linux-aarch64.so.1'))) {
    throw new Error('the libraries for arm64 are missing; run: sh scripts/test-daemons.sh');
  }
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-arm64-'));
  const words = ['--arch', 'arm64', '--compress', 'fast', '--output', directory];
  execFileSync(process.execPath, [path.join(ROOT, 'scripts/package.ts'), ...words], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [file = ''] = fs.readdirSync(directory);
  execFileSync('dpkg-deb', ['-x', path.join(directory, file), path.join(directory, 'tree')]);
  fs.writeFileSync(path.join(directory, '.novaboot-shell'), 'reset_cmd="echo was reset"\n');
}, 300_000);
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

function run(program: string, words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const library = path.join(directory, 'tree/usr/lib/novaboot-server');
  const all = ['-L', LIBRARIES, path.join(library, 'node'), path.join(library, `${program}.js`), ...words];
  const { status, stdout, stderr, error } = spawnSync('qemu-aarch64', all, {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', HOME: directory, ...env },
    input: '',
  });
  if (error) throw error;
  return { status, stdout, stderr };
}

it(
  'the login shell locks the board and starts its command, which takes koffi',
  () => {
    const reset = run('novaboot-shell', ['-c', 'user alice'], { SSH_ORIGINAL_COMMAND: 'reset' });
    expect(reset).toEqual({ status: 0, stdout: 'was reset\n', stderr: '' });
  },
  RUN_MS,
);

it(
  'its servers start',
  () => {
    expect(run('novaboot-tftpd', ['--help'])).toMatchObject({ status: 0, stderr: '' });
    expect(run('novaboot-nfsd', ['--help'])).toMatchObject({ status: 0, stderr: '' });
  },
  RUN_MS,
);
