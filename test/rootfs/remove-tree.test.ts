import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { removal, removeTree } from '../../src/rootfs/remove-tree.ts';
import { check } from '../../src/system/file-error.ts';
import { CName, makeDirectory } from '../../src/system/files.ts';
import { openEntry } from '../../src/system/openat2.ts';

const ACCOUNT = 65_534;
let base: string;
let fd: number;
beforeEach(() => {
  base = fs.mkdtempSync(path.join(os.tmpdir(), 'remove-tree-'));
  fd = fs.openSync(base, 'r');
});
afterEach(() => {
  fs.closeSync(fd);
  execFileSync('rm', ['-rf', '--', base]);
});

const at = (...parts: string[]) => path.join(base, ...parts);
const sh = (script: string) => execFileSync('/bin/bash', ['-ec', script], { cwd: base, encoding: 'utf8' });

test('files of all types and names, and nothing that a link leads to', () => {
  fs.mkdirSync(at('outside'));
  fs.writeFileSync(at('outside', 'canary'), '');
  sh(`mkdir -p tree/a/b; cd tree; mkfifo fifo a/b/fifo; ln -s ../outside link; ln -s ../../outside a/link
    ln -s / a/b/root; touch a/$'\\xff\\n' a/b/"$(printf %0255d 0)" deep-1; mkdir deep-2; touch deep-2/x`);
  removeTree(fd, 'tree');
  expect(fs.readdirSync(base)).toEqual(['outside']);
  expect(fs.readdirSync(at('outside'))).toEqual(['canary']);
});

test('a link in its place goes, what it leads to stays; nothing at all is fine', () => {
  fs.mkdirSync(at('outside'));
  fs.symlinkSync('outside', at('tree'));
  expect(() => removeTree(fd, 'tree')).toThrow(/ENOTDIR|ELOOP/);
  removeTree(fd, 'missing');
  expect(fs.readdirSync(base)).toEqual(['outside', 'tree']);
});

test('10,000 levels, with names in the way of what is moved up', () => {
  fs.mkdirSync(at('tree'));
  fs.writeFileSync(at('tree', 'deep-1'), '');
  fs.mkdirSync(at('tree', 'deep-2', 'x'), { recursive: true });
  const name = new CName().latin1('d');
  let directory = fs.openSync(at('tree'), 'r');
  for (let level = 0; level < 10_000; level += 1) {
    check(makeDirectory(directory, name, 0o755));
    const below = check(openEntry(directory, name, fs.constants.O_RDONLY));
    fs.closeSync(directory);
    directory = below;
  }
  fs.closeSync(directory);
  removeTree(fd, 'tree');
  expect(fs.readdirSync(base)).toEqual([]);
});

test('what others add meanwhile goes too', () => {
  sh('mkdir -p tree/a/b; touch tree/a/{1..20}');
  let steps = 0;
  for (const _ of removal(fd, 'tree')) {
    steps += 1;
    if (steps > 10) continue;
    fs.mkdirSync(at('tree', `new-${steps}`));
    fs.writeFileSync(at('tree', `new-${steps}`, 'file'), '');
  }
  expect(fs.readdirSync(base)).toEqual([]);
});

test('two who remove the same do not disturb each other', () => {
  const make = () => sh(`mkdir -p tree/{a,b}/{c,d} tree/${'e/'.repeat(60)}; touch tree/{a,b}/{c,d}/{1..3}`);
  make();
  let steps = 0;
  for (const _ of removal(fd, 'tree')) steps += 1;
  expect(steps).toBeGreaterThan(60);
  for (let step = 0; step < steps; step += 3) {
    make();
    const first = removal(fd, 'tree');
    for (let taken = 0; taken < step; taken += 1) first.next();
    // The other one gets ahead by some, and then by all.
    const second = removal(fd, 'tree');
    for (let taken = 0; taken < 5; taken += 1) for (const one of [second, second, first]) one.next();
    for (const one of [second, first]) for (const _ of one);
    expect(fs.readdirSync(base)).toEqual([]);
  }
});

test('directories without permission for their owner, as an account', () => {
  const account = process.getuid?.() === 0 ? ACCOUNT : undefined;
  if (account !== undefined) fs.chownSync(base, account, account);
  const child = new URL('./remove-tree-child.ts', import.meta.url).pathname;
  execFileSync(process.execPath, [child, base, String(account ?? '')]);
  expect(fs.readdirSync(base)).toEqual([]);
});
