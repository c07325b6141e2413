import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { flock, LOCK_EX, LOCK_NB } from '../../src/system/descriptors.ts';
import { flockRecords, processesWith, processStat, processVariable } from '../../src/system/proc.ts';

async function eventually<T>(probe: () => T | undefined): Promise<T> {
  for (;;) {
    const value = probe();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

it('finds processes by their arguments', async () => {
  const child = spawn('sh', ['-c', 'echo; read -r line', 'sh', '--board', `/test/${process.pid}`]);
  await once(child.stdout, 'data');
  expect(processesWith(['--board', `/test/${process.pid}`])).toEqual([child.pid]);
  for (const words of [
    ['board', `/test/${process.pid}`],
    ['--board', '/test/'],
    [`/test/${process.pid}`, '--board'],
  ]) {
    expect(processesWith(words)).toEqual([]);
  }
  child.stdin.end();
  await once(child, 'close');
  expect(processesWith(['--board', `/test/${process.pid}`])).toEqual([]);
});

it('tells of processes by pid', async () => {
  const child = spawn('sleep', ['100'], {
    env: { PATH: process.env.PATH, NOVABOOT_ID: 'bob now here' },
    detached: true,
  });
  const pid = child.pid ?? 0;
  await eventually(() => (processVariable(pid, 'NOVABOOT_ID') === 'bob now here' ? true : undefined));
  expect(processStat(pid)).toMatchObject({ parent: process.pid, group: pid, terminal: 0 });
  expect(processStat(pid)?.startTime).toBeGreaterThan(processStat(process.pid)?.startTime ?? 0);
  expect(processVariable(pid, 'OTHER')).toBeUndefined();
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(processStat(pid)).toBeUndefined();
  expect(processVariable(pid, 'NOVABOOT_ID')).toBeUndefined();
});

it('tells who holds a lock and who waits for it, in order', async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-proc-'));
  const fd = fs.openSync(directory, 'r');
  expect(flockRecords(fd)).toEqual([]);
  flock(fd, LOCK_EX | LOCK_NB);
  const other = fs.openSync(directory, 'r');
  expect(() => flock(other, LOCK_EX | LOCK_NB)).toThrow('flock: EAGAIN');
  expect(flockRecords(fd)).toEqual([{ pid: process.pid, waiting: false }]);
  const waiters = [];
  for (const count of [1, 2, 3]) {
    waiters.push(spawn('flock', ['--no-fork', directory, 'true']));
    await eventually(() => (flockRecords(fd).length === count + 1 ? true : undefined));
  }
  expect(flockRecords(fd).slice(1)).toEqual(waiters.map(({ pid }) => ({ pid, waiting: true })));
  fs.closeSync(fd);
  await Promise.all(waiters.map((waiter) => once(waiter, 'exit')));
  expect(flockRecords(other)).toEqual([]);
  fs.closeSync(other);
  fs.rmdirSync(directory);
});
