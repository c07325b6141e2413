/** What `npm pack` packs, installed by npm: its programs find Node and their files wherever that is. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
let directory: string;

function npm(...words: string[]): void {
  execFileSync('npm', [...words, '--loglevel=error'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
}

beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-npm-'));
  execFileSync(process.execPath, [path.join(ROOT, 'scripts/pack.ts')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  npm('pack', '--ignore-scripts', '--pack-destination', directory);
  const [archive = ''] = fs.readdirSync(directory);
  npm('install', '--global', '--prefix', path.join(directory, 'prefix'), path.join(directory, archive));
  fs.writeFileSync(path.join(directory, '.novaboot-shell'), 'reset_cmd="echo was reset"\n');
}, 300_000);
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

function run(program: string, words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(path.join(directory, 'prefix/bin', program), words, {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', HOME: directory, ...env },
    input: '',
  });
  return { status, stdout, stderr };
}

it('the login shell locks the board and starts its command', () => {
  const reset = run('novaboot-shell', ['-c', 'user alice'], { SSH_ORIGINAL_COMMAND: 'reset' });
  expect(reset).toEqual({ status: 0, stdout: 'was reset\n', stderr: '' });
});

it('the other programs start', () => {
  expect(run('novaboot-admin', ['--help'])).toMatchObject({ status: 0, stderr: '' });
  expect(run('adduser-novaboot', ['--help'])).toMatchObject({ status: 0, stderr: '' });
  expect(run('novaboot-tftpd', ['--help'])).toMatchObject({ status: 0, stderr: '' });
});
