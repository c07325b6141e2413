/** An upgrade takes the files of programs away that run: those that wait for a board have all that they still need. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';

const DIST = path.resolve(import.meta.dirname, '../../dist');
const CONFIG = 'console_cmd="echo is connected; cat"\nreset_cmd="echo was reset"\n';
interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  readonly said: { stdout: string; stderr: string };
  readonly ended: Promise<unknown>;
}

let directory: string;
let running: Started[];

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-replaced-'));
  fs.cpSync(DIST, path.join(directory, 'programs'), { recursive: true });
  fs.writeFileSync(path.join(directory, '.novaboot-shell'), CONFIG);
  running = [];
});
afterEach(async () => {
  for (const { child } of running) child.stdin.destroy();
  await Promise.all(running.map(({ ended }) => ended));
  fs.rmSync(directory, { recursive: true });
});

function shell(user: string, command: string): Started {
  const program = path.join(directory, 'programs/novaboot-shell.js');
  const env = { HOME: directory, PATH: '/usr/bin:/bin', SSH_ORIGINAL_COMMAND: command };
  // Each with a parent of its own, as connections have: those of one connection share the board.
  const words = ['-c', '"$@"; exit $?', 'sh', process.execPath, program, '-c', `user ${user}`];
  const child = spawn('/bin/sh', words, { env });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => {
    said.stdout += data;
  });
  child.stderr.on('data', (data) => {
    said.stderr += data;
  });
  const started = { child, said, ended: once(child, 'close') };
  running.push(started);
  return started;
}

/** How many wait for the board. proc_locks(5): `1: -> FLOCK  ADVISORY  WRITE PID MAJOR:MINOR:INODE ...` */
function waiting(): number {
  const { ino } = fs.statSync(directory);
  const lines = fs.readFileSync('/proc/locks', 'utf8').split('\n');
  return lines.filter((line) => line.includes('-> FLOCK') && line.includes(`:${ino} `)).length;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(20);
}

/** @throws Error if it ends before it says that */
async function said({ child, said: all }: Started, text: string): Promise<void> {
  await until(() => all.stdout.includes(text) || child.stdout.readableEnded);
  if (!all.stdout.includes(text)) throw new Error(`status ${child.exitCode}: ${all.stderr}`);
}

it('who waits for a board gets it', async () => {
  const holder = shell('alice', 'console');
  await said(holder, 'is connected');
  const waiters = ['bob', 'carol'].map((user) => shell(user, 'reset'));
  await until(() => waiting() === waiters.length);
  for (const name of fs.readdirSync(path.join(directory, 'programs'))) {
    if (/\.(js|node)$/.test(name)) fs.rmSync(path.join(directory, 'programs', name));
  }
  holder.child.stdin.end();
  for (const waiter of waiters) await said(waiter, 'was reset');
  await Promise.all(waiters.map(({ ended }) => ended));
  expect(waiters.map(({ said: { stderr } }) => stderr)).toEqual(['', '']);
});
