/** Who runs on which root, as the NFS server wrote it down: what cannot be read keeps all roots. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { identityAt } from '../../src/rootfs/identity.ts';
import { readMounts, writeMounts } from '../../src/rootfs/mounts.ts';
import { beginTree } from '../../src/rootfs/new-tree.ts';
import { replacedRoots, unusedRoots } from '../../src/rootfs/replaced.ts';
import { type Roots, rootsOf } from '../../src/rootfs/roots.ts';

let top: string;
let roots: Roots;
const file = () => path.join(top, 'bob.mounts');
const unused = (now?: number) =>
  unusedRoots(roots, readMounts(file(), roots), now).map(({ number }) => number);

beforeEach(() => {
  top = fs.mkdtempSync(path.join(os.tmpdir(), 'mounts-'));
  roots = rootsOf(path.join(top, 'bob'));
  fs.mkdirSync(roots.live, { recursive: true });
  beginTree(roots).switchIn();
});
afterEach(() => {
  vi.restoreAllMocks();
  fs.rmSync(top, { recursive: true });
});

test('are read as they were written, and are on the disk before they have their name', () => {
  const at = new Date().toISOString();
  const mounts = { '10.0.0.1': [{ root: identityAt(path.join(roots.replaced, '1')) ?? '', at, mounts: 2 }] };
  const order: string[] = [];
  for (const name of ['fsyncSync', 'renameSync'] as const) {
    const real = fs[name] as (...args: unknown[]) => void;
    vi.spyOn(fs, name).mockImplementation((...args: unknown[]) => {
      order.push(name);
      real(...args);
    });
  }
  writeMounts(file(), mounts);
  expect(order).toEqual(['fsyncSync', 'renameSync']);
  expect(readMounts(file(), roots)).toEqual(mounts);
  expect(unused()).toEqual([]);
});

test('nobody has mounted anything before there is a file', () => {
  expect(readMounts(file(), roots)).toEqual({});
  expect(unused()).toEqual([1]);
});

test.each([
  '',
  '{',
  '[]',
  'null',
  '{"version":1}',
  '{"version":2,"clients":{}}',
  '{"version":1,"clients":{"a":3}}',
  '{"version":1,"clients":{"a":[{"root":1}]}}',
])('with %j there, anybody may run on any root', (text) => {
  fs.writeFileSync(file(), text);
  const known = Object.entries(readMounts(file(), roots)).map(([client, uses]) => [
    client,
    uses.map(({ root }) => root),
  ]);
  expect(known).toEqual([['*', [roots.live, path.join(roots.replaced, '1')].map(identityAt)]]);
  expect(unused()).toEqual([]);
});

test('also when it may not be read', () => {
  fs.mkdirSync(file());
  expect(unused()).toEqual([]);
});

test('what is no directory, and what is gone meanwhile, is no replaced root', () => {
  fs.writeFileSync(path.join(roots.replaced, '2'), '');
  fs.symlinkSync('1', path.join(roots.replaced, '3'));
  const { readdirSync } = fs;
  vi.spyOn(fs, 'readdirSync').mockImplementation(((...args: [string]) => [
    ...readdirSync(...args),
    '4',
  ]) as never);
  expect(replacedRoots(roots).map(({ number }) => number)).toEqual([1]);
  vi.restoreAllMocks();
  fs.rmSync(roots.replaced, { recursive: true });
  expect(replacedRoots(roots)).toEqual([]);
  fs.writeFileSync(roots.replaced, '');
  expect(replacedRoots(roots)).toEqual([]);
});
