/** The relay before users who do not read. What sshd's users see of it: test/integration/console-log.test.ts. */
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../support/ssh-session.ts';
import { spawnTestChild } from '../support/test-child.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../../bin/novaboot-console.ts');

let home: string;

beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-relay-'));
});
afterEach(() => fs.rmSync(home, { recursive: true }));

/** @param reader a script that gets the relay's output by a pipe; $? of the relay goes to the file `status` */
function relay(script: string, reader: string) {
  const pipe = `{ "$@"; echo $? >"$HOME/status"; } | { cd "$HOME"; ${reader}; }`;
  const program = [process.execPath, PROGRAM, 'command', '/bin/sh', '-c', script];
  const env = ['env', '-i', `HOME=${home}`, `PATH=${process.env.PATH}`];
  return spawnTestChild([...env, '/bin/sh', '-c', pipe, 'sh', ...program]);
}

async function statusOfRelay(): Promise<number> {
  const file = path.join(home, 'status');
  const text = await eventually(
    'the end of the relay',
    // Empty for a moment.
    () => fs.existsSync(file) && (fs.readFileSync(file, 'utf8') || undefined),
  );
  return Number(text);
}

/** More than a pipe holds, less than two. */
const MUCH = "head -c 110000 /dev/zero | tr '\\0' x";

test('a slow reader gets all that a program said before it ended', async () => {
  const reader = 'while ! [ -e done ]; do sleep 0.05; done; sleep 0.1; wc -c';
  const child = relay(`${MUCH}; touch "$HOME/done"; exit 3`, reader);
  const [count] = await once(child.stdout, 'data');
  expect(Number(count)).toBe(110_000);
  expect(await statusOfRelay()).toBe(3);
});

test('one who reads nothing is not waited for without end', async () => {
  const child = relay(MUCH, 'while ! [ -e status ]; do sleep 0.05; done; echo x');
  await once(child.stdout, 'data');
  expect(await statusOfRelay()).toBe(0);
});

test('a program whose reader is gone ends as by a pipe', async () => {
  relay('while sleep 0.05; do echo x; done', 'read line');
  expect(await statusOfRelay()).toBe(141);
});
