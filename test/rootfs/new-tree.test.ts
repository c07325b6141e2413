/** The life of a tree and of its marker: after an end at any step, the next run finds the old or the new root whole. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { identityOf } from '../../src/rootfs/identity.ts';
import { beginTree, recoverTrees } from '../../src/rootfs/new-tree.ts';
import { removalOfReplaced, replacedRoots, unusedRoots } from '../../src/rootfs/replaced.ts';
import { type Roots, rootsOf } from '../../src/rootfs/roots.ts';

let roots: Roots;
beforeEach(() => {
  roots = rootsOf(fs.mkdtempSync(path.join(os.tmpdir(), 'new-tree-')));
  fs.mkdirSync(roots.live);
  fs.writeFileSync(path.join(roots.live, 'old'), '');
});
afterEach(() => fs.rmSync(roots.base, { recursive: true }));

const replaced = (...parts: string[]) => path.join(roots.replaced, ...parts);
const live = () => fs.readdirSync(roots.live);
/** Everything beneath `.replaced`. */
const left = () => fs.readdirSync(roots.replaced, { recursive: true, encoding: 'utf8' }).sort();
const fill = (directory: string) => fs.writeFileSync(path.join(directory, 'new'), '');

/** A tree as an untar that ends before the exchange leaves it. */
function unfinished(): string {
  const tree = beginTree(roots);
  fill(tree.path);
  return tree.path;
}

function identityAt(directory: string): string {
  const fd = fs.openSync(directory, 'r');
  try {
    return identityOf(fd);
  } finally {
    fs.closeSync(fd);
  }
}

test('the new tree takes the place of the old one, which stays under its number', () => {
  const tree = beginTree(roots);
  expect(tree.number).toBe(1);
  expect(tree.path).toBe(replaced('1'));
  expect(fs.fstatSync(tree.fd).mode & 0o7777).toBe(0o755);
  fill(tree.path);
  expect(replacedRoots(roots)).toEqual([]);
  const before = identityAt(roots.live);
  tree.switchIn();
  expect(live()).toEqual(['new']);
  expect(left()).toEqual(['1', '1/old']);
  expect(replacedRoots(roots)).toMatchObject([{ number: 1, path: replaced('1'), identity: before }]);
  const next = beginTree(roots);
  expect(next.number).toBe(2);
  next.abandon();
  expect(left()).toEqual(['1', '1/old']);
});

test('a tree that is given up leaves nothing', () => {
  const tree = beginTree(roots);
  fs.mkdirSync(path.join(tree.path, 'a/b'), { recursive: true });
  tree.abandon();
  expect(left()).toEqual([]);
  expect(live()).toEqual(['old']);
});

test('without a live root there is nothing to keep', () => {
  fs.rmSync(roots.live, { recursive: true });
  const tree = beginTree(roots);
  fill(tree.path);
  tree.switchIn();
  expect(live()).toEqual(['new']);
  expect(left()).toEqual([]);
});

test('descriptors are closed', () => {
  const count = () => fs.readdirSync('/proc/self/fd').length;
  const before = count();
  beginTree(roots).abandon();
  beginTree(roots).switchIn();
  recoverTrees(roots);
  expect(count()).toBe(before);
});

describe('an end', () => {
  test('with an empty marker, before the tree', () => {
    fs.mkdirSync(roots.replaced);
    fs.writeFileSync(replaced('1.new'), '');
    recoverTrees(roots);
    expect(left()).toEqual([]);
  });

  test.each(['', 'half', '17:00'])('with the marker "%s", which was not whole', (marker) => {
    fs.mkdirSync(replaced('1', 'sub'), { recursive: true });
    fs.writeFileSync(replaced('1.new'), marker);
    recoverTrees(roots);
    expect(left()).toEqual([]);
    expect(live()).toEqual(['old']);
  });

  test('with a tree half made', () => {
    unfinished();
    recoverTrees(roots);
    expect(left()).toEqual([]);
    expect(live()).toEqual(['old']);
  });

  test('after the exchange', () => {
    const tree = unfinished();
    fs.renameSync(roots.live, replaced('x'));
    fs.renameSync(tree, roots.live);
    fs.renameSync(replaced('x'), tree);
    recoverTrees(roots);
    expect(left()).toEqual(['1', '1/old']);
    expect(live()).toEqual(['new']);
  });

  test('after the rename to where no root was', () => {
    const tree = unfinished();
    fs.rmSync(roots.live, { recursive: true });
    fs.renameSync(tree, roots.live);
    recoverTrees(roots);
    expect(left()).toEqual([]);
    expect(live()).toEqual(['new']);
  });

  test('while a root was removed', () => {
    beginTree(roots).switchIn();
    removalOfReplaced(roots, 1).next();
    expect(replacedRoots(roots)).toEqual([]);
    recoverTrees(roots);
    expect(left()).toEqual([]);
  });

  test('of several, one after the other', () => {
    const marker = () => fs.readFileSync(replaced('1.new'));
    unfinished();
    const first = marker();
    fs.renameSync(replaced('1'), replaced('2'));
    fs.writeFileSync(replaced('2.new'), first);
    fs.mkdirSync(replaced('3'));
    beginTree(roots).switchIn();
    expect(left()).toEqual(['3', '4', '4/old']);
  });
});

describe('where the file system cannot exchange, an end', () => {
  test('after the first rename', () => {
    unfinished();
    fs.renameSync(roots.live, replaced('1.old'));
    recoverTrees(roots);
    expect(live()).toEqual(['new']);
    expect(left()).toEqual(['1', '1/old']);
  });

  test('after the first rename, with an empty root made since', () => {
    unfinished();
    fs.renameSync(roots.live, replaced('1.old'));
    fs.mkdirSync(roots.live);
    recoverTrees(roots);
    expect(live()).toEqual(['new']);
    expect(left()).toEqual(['1', '1/old']);
  });

  test('after the first rename, with a root filled since', () => {
    unfinished();
    fs.renameSync(roots.live, replaced('1.old'));
    fs.mkdirSync(roots.live);
    fs.writeFileSync(path.join(roots.live, 'other'), '');
    recoverTrees(roots);
    expect(live()).toEqual(['new']);
    expect(left()).toEqual(['1', '1/old', '2', '2/other']);
  });

  test('after the second rename', () => {
    const tree = unfinished();
    fs.renameSync(roots.live, replaced('1.old'));
    fs.renameSync(tree, roots.live);
    recoverTrees(roots);
    expect(live()).toEqual(['new']);
    expect(left()).toEqual(['1', '1/old']);
  });

  test('after the third', () => {
    const tree = unfinished();
    fs.renameSync(roots.live, replaced('1.old'));
    fs.renameSync(tree, roots.live);
    fs.renameSync(replaced('1.old'), replaced('1'));
    recoverTrees(roots);
    expect(live()).toEqual(['new']);
    expect(left()).toEqual(['1', '1/old']);
  });
});

test('a link in the place of the directory of trees is not followed', () => {
  fs.mkdirSync(path.join(roots.base, 'elsewhere'));
  fs.symlinkSync('elsewhere', roots.replaced);
  expect(() => beginTree(roots)).toThrow(/Cannot make a new root file system in .*: leads through/);
});

test('a replaced root is unused when no client has it, or none asked for a week', () => {
  beginTree(roots).switchIn();
  beginTree(roots).switchIn();
  const numbers = (mounts: Parameters<typeof unusedRoots>[1], now?: number) =>
    unusedRoots(roots, mounts, now).map(({ number }) => number);
  expect(numbers({})).toEqual([1, 2]);
  const root = identityAt(replaced('2'));
  const at = new Date().toISOString();
  const client = (time = at) => ({ '10.0.0.1': [{ root, at: time, mounts: 1 }] });
  expect(numbers(client())).toEqual([1]);
  const day = 24 * 3600 * 1000;
  expect(numbers(client(), Date.now() + 6.9 * day)).toEqual([1]);
  expect(numbers(client(), Date.now() + 7.1 * day)).toEqual([1, 2]);
  const later = new Date(Date.now() + 2 * day).toISOString();
  const another = {
    '10.0.0.2': [
      { root: 'other', at: later, mounts: 1 },
      { root, at: later, mounts: 2 },
    ],
  };
  expect(numbers({ ...client(), ...another }, Date.now() + 8 * day)).toEqual([1]);
});
