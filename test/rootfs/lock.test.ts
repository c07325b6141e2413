import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockRoots } from '../../src/rootfs/lock.ts';
import { type Roots, rootsOf } from '../../src/rootfs/roots.ts';

let roots: Roots;
beforeEach(() => {
  roots = rootsOf(fs.mkdtempSync(path.join(os.tmpdir(), 'lock-')));
});
afterEach(() => fs.rmSync(roots.base, { recursive: true }));

test('shared ones beside each other, an exclusive one alone', () => {
  const one = lockRoots(roots, 'shared');
  const two = lockRoots(roots, 'shared');
  expect(() => lockRoots(roots, 'exclusive')).toThrow(
    /Another untar, rsync-nfsroot or root command of yours/,
  );
  fs.closeSync(one);
  expect(() => lockRoots(roots, 'exclusive')).toThrow(expect.objectContaining({ exitCode: 75 }));
  fs.closeSync(two);
  const only = lockRoots(roots, 'exclusive');
  expect(() => lockRoots(roots, 'shared')).toThrow(`(process ${process.pid})`);
  expect(() => lockRoots(roots, 'exclusive')).toThrow(expect.objectContaining({ exitCode: 75 }));
  fs.closeSync(only);
  fs.closeSync(lockRoots(roots, 'shared'));
});

test('a program that inherits the descriptor has it until it ends', async () => {
  const fd = lockRoots(roots, 'shared');
  const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore', fd] });
  await once(child, 'spawn');
  fs.closeSync(fd);
  expect(() => lockRoots(roots, 'exclusive')).toThrow(/try again/);
  child.stdin?.end();
  await once(child, 'exit');
  fs.closeSync(lockRoots(roots, 'exclusive'));
});

test('a link in the place of the base is not followed', () => {
  fs.symlinkSync(roots.base, `${roots.base}-link`);
  try {
    expect(() => lockRoots(rootsOf(`${roots.base}-link`), 'shared')).toThrow(/ENOTDIR|ELOOP/);
  } finally {
    fs.unlinkSync(`${roots.base}-link`);
  }
});
