/** The built program, started as sshd starts it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { journalPath } from '../../src/shell/journal.ts';

const shell = path.resolve(import.meta.dirname, '../../dist/novaboot-shell');
let home: string;

beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-program-'));
  fs.writeFileSync(path.join(home, '.novaboot-shell'), 'reset_cmd=true\n');
});
afterEach(() => fs.rmSync(home, { recursive: true }));

function environment(command: string, env: Record<string, string> = {}): Record<string, string> {
  return { HOME: home, PATH: '/usr/bin:/bin', SSH_ORIGINAL_COMMAND: command, ...env };
}

function run(command: string, { user = 'bob', env = {}, input = '' as string | number } = {}) {
  const stdin =
    typeof input === 'number' ? { stdio: [input, 'pipe', 'pipe'] as [number, 'pipe', 'pipe'] } : { input };
  const result = spawnSync(shell, ['-c', `user ${user}`], { env: environment(command, env), ...stdin });
  return { status: result.status, stdout: result.stdout, stderr: result.stderr.toString() };
}

describe('what a client can set', () => {
  // V8 dereferences a null pointer for these.
  it.each(['a'.repeat(12), `en-${'a'.repeat(1000)}`, `a@b=${'a'.repeat(1000)}`])(
    'the locale %s',
    (locale) => {
      for (const name of ['LANG', 'LC_ALL', 'LC_MESSAGES']) {
        expect(run('help', { env: { [name]: locale } })).toMatchObject({ status: 0, stderr: '' });
      }
    },
  );
});

it('lets in who has an address for a name in an existing entry', () => {
  expect(run('help', { user: 'alice@laptop' })).toMatchObject({ status: 0 });
});

it('passes target_config on byte for byte', () => {
  const bytes = Buffer.from([0x2d, 0x2d, 0xf6, 0xc3, 0xb6]);
  for (const prefix of ['', 'x=$HOME\n']) {
    const text = Buffer.concat([Buffer.from(`${prefix}target_config='`), bytes, Buffer.from("'\n")]);
    fs.writeFileSync(path.join(home, '.novaboot-shell'), text);
    expect(run('get-config').stdout).toEqual(Buffer.concat([bytes, Buffer.from('\n')]));
  }
});

it('says in one line that a key cannot be read', () => {
  const directory = fs.openSync(home, 'r');
  const { status, stderr } = run('add-key eve', { user: 'root admin', input: directory });
  fs.closeSync(directory);
  expect(stderr).toMatch(/^novaboot-shell: Cannot read the key: EISDIR[^\n]*\n$/);
  expect(status).toBe(1);
});

it('loses nothing of a full journal to several sessions at once', async () => {
  run('reset');
  const full = `${' '.repeat(1024 * 1024)}\n`;
  fs.appendFileSync(journalPath(home), full);
  const start = () => spawn(shell, ['-c', 'user bob'], { env: environment('reset'), stdio: 'ignore' });
  await Promise.all(Array.from({ length: 8 }, () => once(start(), 'exit')));
  expect(fs.statSync(`${journalPath(home)}.1`).size).toBeGreaterThan(full.length);
});

it('runs nothing for a session that was killed while it began', async () => {
  const marker = path.join(home, 'pid');
  fs.writeFileSync(
    path.join(home, '.novaboot-shell'),
    `console_cmd='echo $$ >>${marker}; exec sleep 1000'\n`,
  );
  const runs = (pid: number, name: string) => fs.readlinkSync(`/proc/${pid}/exe`).endsWith(name);
  for (let round = 0; round < 20; round++) {
    const child = spawn(shell, ['-c', 'user bob'], {
      env: environment('console'),
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const pid = child.pid ?? 0;
    // It may have been Node unseen.
    while (!runs(pid, 'node') && !runs(pid, 'sleep')) await delay(1);
    while (runs(pid, 'node')) await delay(0);
    await delay(round % 4);
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await delay(300);
  // One killed between making the file and writing to it leaves the file empty.
  const started = fs.existsSync(marker) ? (fs.readFileSync(marker, 'utf8').match(/\d+/g) ?? []) : [];
  const lives = (pid: string) => {
    try {
      // One that has ended and that init has not yet reaped has no command line.
      return fs.readFileSync(`/proc/${pid}/cmdline`).length > 0;
    } catch {
      return false;
    }
  };
  await expect.poll(() => started.filter(lives), { timeout: 10_000 }).toEqual([]);
});
