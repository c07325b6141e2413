import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RootTree } from '../doctor/root/root-tree.ts';

let tree: RootTree;
let secret: string;
beforeEach(() => {
  tree = new RootTree();
  secret = `${tree.directory}.secret`;
  fs.mkdirSync(secret);
  fs.writeFileSync(path.join(secret, 'file'), 'secret');
});
afterEach(() => {
  tree.remove();
  fs.rmSync(secret, { recursive: true });
});

it('finds files as the system itself would', () => {
  tree.add({
    'usr/lib/a': 'one',
    lib: { link: 'usr/lib' },
    'etc/absolute': { link: '/lib/a' },
    'etc/relative': { link: '../lib/./a' },
    'etc/above': { link: '../../../lib/../lib/a' },
    'etc/broken': { link: 'nowhere' },
  });
  fs.symlinkSync('../etc/absolute', path.join(tree.directory, 'usr/real'));
  const stored = tree.open();
  for (const name of [
    'lib/a',
    '/lib/a',
    'etc/absolute',
    'etc/relative',
    'etc/above',
    'usr/real',
    '/usr//lib/a',
  ]) {
    expect([name, stored.text(name), stored.find(name)?.path]).toEqual([name, 'one', 'usr/lib/a']);
  }
  expect(stored.target('etc/absolute')).toBe('/lib/a');
  expect(stored.target('usr/real')).toBe('../etc/absolute');
  expect(stored.target('lib/a')).toBeUndefined();
  expect(stored.find('etc/broken')).toBeUndefined();
  expect(stored.find('etc/broken', false)?.path).toBe('etc/broken');
  expect(stored.find('usr/lib/a/b')).toBeUndefined();
  expect(stored.find('')?.path).toBe('');
  expect(stored.find('lib/..')?.path).toBe('usr');
  expect(stored.names('etc')).toEqual(['above', 'absolute', 'broken', 'relative']);
  expect(stored.names('lib')).toEqual(['a']);
  expect(stored.names('nowhere')).toEqual([]);
  expect(stored.read('lib/a', 2, 1)?.toString()).toBe('ne');
  expect(stored.read('lib', 2)).toBeUndefined();
});

it('gets nowhere out of the tree', () => {
  fs.symlinkSync(secret, path.join(tree.directory, 'real'));
  fs.symlinkSync(path.join(secret, 'file'), path.join(tree.directory, 'real-file'));
  tree.add({ stored: { link: secret }, up: { link: `../${path.basename(secret)}` } });
  const stored = tree.open();
  for (const name of [
    'real/file',
    'real-file',
    'stored/file',
    'up/file',
    `../${path.basename(secret)}/file`,
  ]) {
    expect([name, stored.text(name)]).toEqual([name, undefined]);
  }
  expect(stored.names('real')).toEqual([]);
});

it('neither waits for special files nor follows circles', () => {
  execFileSync('mkfifo', [path.join(tree.directory, 'fifo')]);
  tree.add({ one: { link: 'two' }, two: { link: 'one' }, self: { link: 'self/x' } });
  const stored = tree.open();
  for (const name of ['fifo', 'one', 'self']) expect(stored.text(name)).toBeUndefined();
});

it('bounds what it looks at', () => {
  let directory = tree.directory;
  for (let depth = 0; depth < 200; depth += 1) {
    directory = path.join(directory, 'd');
    fs.mkdirSync(directory);
  }
  tree.add({ 'long-name': 'x'.repeat(400_000) });
  const down = 'd/'.repeat(200);
  const up = '../'.repeat(200);
  tree.add({ start: { link: `${down}${up}next` }, next: { link: `${down}${up}start` } });
  const stored = tree.open();
  expect(stored.text('long-name')).toHaveLength(256 * 1024);
  expect(stored.find('start')).toBeUndefined();
  expect(() => {
    for (let count = 0; count < 600; count += 1) stored.find(down);
  }).toThrow('too many links and directories');
});
