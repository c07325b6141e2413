import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PutOff } from '../../../src/nfs/put-off.ts';
import type { Inode } from '../../../src/nfs/vfs/vfs.ts';
import { at, bytes, bytesOf, codeOf, makePlace, type Place, ROOT } from './fixture.ts';

/** Known answers to what others do meanwhile. Anything else is a bug. */
const EVERYDAY = new Set([
  'ok',
  'PutOff',
  ...['ENOENT', 'ESTALE', 'ENOTDIR', 'EEXIST', 'EINVAL', 'EISDIR', 'ENOTEMPTY', 'ELOOP', 'EAGAIN', 'EACCES'],
]);
const DURATION_MS = 4000;

let place: Place;
let outside: string;
let swapper: ChildProcess | undefined;
beforeEach(() => {
  place = makePlace();
  outside = path.join(place.top, 'outside');
  fs.mkdirSync(path.join(outside, 'below'), { recursive: true, mode: 0o751 });
  fs.writeFileSync(path.join(outside, 'file'), 'canary', { mode: 0o641 });
  fs.utimesSync(path.join(outside, 'file'), 1, 2);
  fs.utimesSync(path.join(outside, 'below'), 3, 4);
  fs.utimesSync(outside, 5, 6);
  fs.mkdirSync(place.path('victim'));
  fs.writeFileSync(place.path('victim/file'), 'inside');
});
afterEach(async () => {
  if (swapper?.exitCode === null) {
    swapper.kill();
    await once(swapper, 'exit');
  }
  place.remove();
});

/** All that a canary can tell. */
function canary(): string[] {
  return ['', 'file', 'below'].map((name) => {
    const where = path.join(outside, name);
    const { mode, uid, gid, size, mtimeMs, ctimeMs, nlink } = fs.lstatSync(where);
    const content = name === 'file' ? fs.readFileSync(where, 'latin1') : fs.readdirSync(where).join();
    return JSON.stringify({ name, mode, uid, gid, size, mtimeMs, ctimeMs, nlink, content });
  });
}

test('another program swaps directories and files for links to the outside', async () => {
  const before = canary();
  const script = new URL('./swapper.ts', import.meta.url).pathname;
  swapper = spawn(process.execPath, [script, place.base, outside], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (swapper.stdout) await once(swapper.stdout, 'data');
  const counts: Record<string, number> = {};
  const { vfs } = place;
  const file = bytes('file');
  const below = bytes('below');
  const operations: [string, (victim: Inode) => unknown][] = [
    [
      'read',
      async (victim) => bytesOf(await vfs.read(ROOT, vfs.lookup(ROOT, victim, file), 0, 100)).toString(),
    ],
    ['write', (victim) => vfs.write(ROOT, vfs.lookup(ROOT, victim, file), 0, bytes('evil'), 0)],
    ['truncate', (victim) => vfs.setattr(ROOT, vfs.lookup(ROOT, victim, file), { size: 0 })],
    ['chmod', (victim) => vfs.setattr(ROOT, vfs.lookup(ROOT, victim, file), { mode: 0o777 })],
    ['chown', (victim) => vfs.setattr(ROOT, vfs.lookup(ROOT, victim, file), { uid: 5, gid: 6 })],
    ['times', (victim) => vfs.setattr(ROOT, vfs.lookup(ROOT, victim, file), { mtime: 'now' })],
    ['chmod itself', (victim) => vfs.setattr(ROOT, victim, { mode: 0o755 })],
    ['chown itself', (victim) => vfs.setattr(ROOT, victim, { uid: 7 })],
    ['times itself', (victim) => vfs.setattr(ROOT, victim, { mtime: 'now' })],
    [
      'create',
      (victim) =>
        vfs.create(ROOT, victim, bytes('made'), { mode: 'unchecked', changes: { size: 0, uid: 3 } }),
    ],
    ['create over', (victim) => vfs.create(ROOT, victim, file, { mode: 'unchecked', changes: { size: 0 } })],
    ['mkdir', (victim) => vfs.mkdir(ROOT, victim, below, { mode: 0o1777 })],
    ['rmdir', (victim) => vfs.rmdir(ROOT, victim, below)],
    ['symlink', (victim) => vfs.symlink(ROOT, victim, bytes('link'), {}, bytes('x'))],
    ['mknod', (victim) => vfs.mknod(ROOT, victim, bytes('fifo'), 7, {}, 0, 0)],
    ['link', (victim) => vfs.link(ROOT, vfs.lookup(ROOT, victim, file), victim, bytes('hard'))],
    ['rename', (victim) => vfs.rename(ROOT, victim, bytes('made'), victim, bytes('renamed'))],
    ['rename file', (victim) => vfs.rename(ROOT, victim, file, vfs.root, bytes('taken'))],
    ['remove', (victim) => vfs.remove(ROOT, victim, bytes('renamed'))],
    ['remove file', (victim) => vfs.remove(ROOT, victim, file)],
    [
      'remove rest',
      (victim) => ['link', 'fifo', 'hard'].map((name) => vfs.remove(ROOT, victim, bytes(name))),
    ],
    ['readdir', (victim) => vfs.readdir(ROOT, victim, 0n).next()],
    ['readlink', (victim) => vfs.readlink(ROOT, vfs.lookup(ROOT, victim, file))],
  ];
  let known = at(vfs, '');
  const end = performance.now() + DURATION_MS;
  while (performance.now() < end) {
    for (const [name, operation] of operations) {
      vfs.begin();
      // As it is just now, or as it was: what a client's handle means.
      const code = await codeOf(() => {
        known =
          Math.random() < 0.5 || known === vfs.root ? vfs.lookup(ROOT, vfs.root, bytes('victim')) : known;
        return operation(known);
      });
      if (!EVERYDAY.has(code)) throw new Error(`${name}: ${code}`);
      counts[`${name} ${code}`] = (counts[`${name} ${code}`] ?? 0) + 1;
    }
    known = (await codeOf(() => vfs.attributes(known))) === 'ok' ? known : vfs.root;
    await new Promise(setImmediate);
  }
  expect(canary()).toEqual(before);
  expect(fs.readdirSync(place.top).sort()).toEqual(['base', 'outside']);
  for (const name of ['read', 'write', 'chmod', 'create', 'mkdir', 'rename', 'remove file', 'readdir']) {
    expect(counts[`${name} ok`] ?? 0, name).toBeGreaterThan(0);
  }
});

test('real links to the outside and magic links are links', async () => {
  const before = canary();
  const links = {
    absolute: outside,
    relative: '../outside',
    magic: '/proc/self/root',
    fd: '/proc/self/fd/0',
    cwd: '/proc/self/cwd',
    loop: 'loop',
    up: '..',
  };
  for (const [name, target] of Object.entries(links)) {
    fs.symlinkSync(target, place.path(name));
    const { vfs } = place;
    const link = at(vfs, name);
    expect(vfs.attributes(link).type).toBe(5);
    expect(vfs.readlink(ROOT, link).toString()).toBe(target);
    expect(await codeOf(() => vfs.lookup(ROOT, link, bytes('file')))).toBe('ENOTDIR');
    expect(await codeOf(() => vfs.create(ROOT, link, bytes('x'), { mode: 'unchecked', changes: {} }))).toBe(
      'ENOTDIR',
    );
    expect(await codeOf(() => vfs.directory(place.path(name)))).toBe('ENOTDIR');
    expect(await codeOf(() => vfs.directory(place.path(name, 'below')))).toBe('ENOTDIR');
    const how = { mode: 'unchecked' as const, changes: { size: 0, mode: 0o777 } };
    expect(await codeOf(() => vfs.create(ROOT, vfs.root, bytes(name), how))).toBe('ok');
    for (const changes of [{ mtime: 'now' as const }, { mode: 0o600 }, { uid: 5 }]) {
      expect(await codeOf(() => place.vfs.setattr(ROOT, at(place.vfs, name), changes))).toBe('ok');
    }
  }
  expect(canary()).toEqual(before);
});

test('a directory that another program replaced by a link in the end', async () => {
  const { vfs } = place;
  const victim = vfs.handleOf(at(vfs, 'victim'));
  const file = vfs.handleOf(at(vfs, 'victim/file'));
  place.restart();
  at(place.vfs, 'victim/file');
  const open = (place.vfs as unknown as { volume: { tree: { descriptors: Open } } }).volume.tree.descriptors;
  for (const inode of [...open.inodes]) open.close(inode);
  fs.rmSync(place.path('victim'), { recursive: true });
  fs.symlinkSync(outside, place.path('victim'));
  for (const handle of [file, victim]) {
    for (;;) {
      try {
        place.vfs.attributes(place.vfs.resolve(handle));
        throw new Error('found');
      } catch (error) {
        if (error instanceof PutOff) await error.until;
        else {
          expect(error).toMatchObject({ code: 'ESTALE' });
          break;
        }
      }
    }
  }
});

interface Open {
  readonly inodes: Set<Inode>;
  close(inode: Inode): void;
}
