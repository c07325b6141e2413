/** The root file system of the demo's board, as GNU tar sees it. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rootArchive } from '../../../src/demo/images/root-archive.ts';

let directory: string;
let listed: readonly string[];

function tar(...args: string[]): string {
  return execFileSync('tar', args, { cwd: directory, encoding: 'utf8' });
}

beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'root-archive-'));
  fs.writeFileSync(path.join(directory, 'root.tar'), rootArchive(Buffer.from('a program')));
  listed = tar('--numeric-owner', '-tvf', 'root.tar')
    .trim()
    .split('\n')
    // mode, owner, size or device, name
    .map((line) => line.replace(/ +(\d+|\d+,\d+) \d{4}-\d\d-\d\d \d\d:\d\d /, ' $1 '));
});
afterAll(() => fs.rmSync(directory, { recursive: true }));

test('has owners, devices and a set-user-ID program', () => {
  expect(listed).toEqual(
    expect.arrayContaining([
      '-rwxr-xr-x 0/0 9 bin/busybox',
      '-rwsr-xr-x 0/0 9 bin/su',
      'lrwxrwxrwx 0/0 0 sbin/init -> ../bin/busybox',
      'drwx------ 0/0 0 root/',
      'drwxrwxrwt 0/0 0 tmp/',
      'drwxr-x--- 1000/1000 0 home/demo/',
      'crw-rw-rw- 0/0 1,3 dev/null',
      'crw------- 0/0 5,1 dev/console',
      'crw------- 0/0 204,64 dev/ttyAMA0',
    ]),
  );
});

test('has each name once, and directories before what is in them', () => {
  const names = tar('-tf', 'root.tar').trim().split('\n');
  expect(new Set(names).size).toBe(names.length);
  names.forEach((name, index) => {
    const parent = name.replace(/[^/]+\/?$/, '');
    expect(parent === '' || names.indexOf(parent) < index, `${name} after ${parent}`).toBe(true);
  });
});

test.each(['etc/rc', 'etc/profile'])('%s is a script', (name) => {
  tar('-xf', 'root.tar', name);
  execFileSync('sh', ['-n', name], { cwd: directory });
});
