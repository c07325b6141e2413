import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Inode } from '../../../src/nfs/vfs/vfs.ts';
import { at, bytes, codeOf, makePlace, names, type Place, patiently, put, ROOT, readAll } from './fixture.ts';

let place: Place;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => place.remove());

const CHANGES = { mode: 0o644 };
type Operation = [string, (directory: Inode, name: Buffer) => unknown];

/** Everything that takes a name. */
const OPERATIONS: Operation[] = [
  ['lookup', (directory, name) => place.vfs.lookup(ROOT, directory, name)],
  [
    'create',
    (directory, name) => place.vfs.create(ROOT, directory, name, { mode: 'unchecked', changes: CHANGES }),
  ],
  ['mkdir', (directory, name) => place.vfs.mkdir(ROOT, directory, name, CHANGES)],
  ['symlink', (directory, name) => place.vfs.symlink(ROOT, directory, name, {}, bytes('target'))],
  ['mknod', (directory, name) => place.vfs.mknod(ROOT, directory, name, 7, CHANGES, 0, 0)],
  ['remove', (directory, name) => place.vfs.remove(ROOT, directory, name)],
  ['rmdir', (directory, name) => place.vfs.rmdir(ROOT, directory, name)],
  ['rename from', (directory, name) => place.vfs.rename(ROOT, directory, name, directory, bytes('to'))],
  ['rename to', (directory, name) => place.vfs.rename(ROOT, directory, bytes('file'), directory, name)],
  ['link', (directory, name) => place.vfs.link(ROOT, at(place.vfs, 'file'), directory, name)],
];

beforeEach(async () => {
  await put(place.vfs, place.vfs.root, 'file');
  fs.writeFileSync(`${place.top}/outside`, 'canary');
});

describe.each(OPERATIONS)('%s', (operation, call) => {
  test.each([
    ['', 'EACCES'],
    ['/', 'EACCES'],
    ['a/b', 'EACCES'],
    ['../outside', 'EACCES'],
    ['/etc/passwd', 'EACCES'],
    ['file/', 'EACCES'],
    ['file\0', 'EACCES'],
    ['\0', 'EACCES'],
    ['x'.repeat(256), 'ENAMETOOLONG'],
    ['x'.repeat(4096), 'ENAMETOOLONG'],
  ])('%.20j: %s', async (name, code) => {
    expect(await codeOf(() => call(place.vfs.root, bytes(name)))).toBe(code);
    expect(names(place.vfs, place.vfs.root)).toEqual(['file']);
  });

  test('"." and ".."', async () => {
    const codes = [];
    for (const name of ['.', '..']) codes.push(await codeOf(() => call(place.vfs.root, bytes(name))));
    const expected: Record<string, string[]> = {
      lookup: ['ok', 'ok'],
      create: ['EEXIST', 'EEXIST'],
      mkdir: ['EEXIST', 'EEXIST'],
      symlink: ['EEXIST', 'EEXIST'],
      mknod: ['EEXIST', 'EEXIST'],
      link: ['EEXIST', 'EEXIST'],
      // RFC 1813 §3.3.13
      rmdir: ['EINVAL', 'EEXIST'],
    };
    expect(codes).toEqual(expected[operation] ?? ['EINVAL', 'EINVAL']);
    expect(fs.readFileSync(`${place.top}/outside`, 'utf8')).toBe('canary');
  });

  test('in a file instead of a directory', async () => {
    expect(await codeOf(() => call(at(place.vfs, 'file'), bytes('x')))).toBe('ENOTDIR');
    place.restart();
    expect(await codeOf(() => call(at(place.vfs, 'file'), bytes('x')))).toBe('ENOTDIR');
  });
});

describe('names are bytes', () => {
  test('all but NUL and the slash, alone and in all', async () => {
    const single = Array.from({ length: 256 }, (_, byte) => Buffer.of(byte)).filter(
      ([byte]) => byte !== 0 && byte !== 0x2f && byte !== 0x2e,
    );
    const { vfs } = place;
    for (const name of single) await put(vfs, vfs.root, name as unknown as string);
    const long = Buffer.alloc(255, 0xfe);
    await put(vfs, vfs.root, long as unknown as string, { content: 'long' });
    const real = fs
      .readdirSync(bytes(place.base), { encoding: 'buffer' })
      .map((name) => name.toString('latin1'));
    const wanted = [...single, long, bytes('file')].map((name) => name.toString('latin1'));
    expect(real.sort()).toEqual(wanted.sort());
    expect(names(vfs, vfs.root)).toEqual(wanted);
    place.restart();
    for (const name of wanted) {
      const inode = place.vfs.lookup(ROOT, place.vfs.root, Buffer.from(name, 'latin1'));
      place.vfs.attributes(inode);
      await place.vfs.remove(ROOT, place.vfs.root, Buffer.from(name, 'latin1'));
    }
    expect(names(place.vfs, place.vfs.root)).toEqual([]);
  });

  test('forms of the same letters are different names', async () => {
    const { vfs } = place;
    for (const name of ['é', 'e\u0301', 'É']) await put(vfs, vfs.root, name);
    expect(names(vfs, vfs.root).length).toBe(4);
  });
});

test('a directory 3,000 levels deep, its path far beyond 4,096 bytes', async () => {
  const { vfs } = place;
  const name = bytes('directory-with-a-longer-name');
  let inode = vfs.root;
  for (let level = 0; level < 3000; level += 1) {
    vfs.begin();
    inode = await vfs.mkdir(ROOT, inode, name, { mode: 0o755 });
  }
  await put(vfs, inode, 'file', { content: 'deep' });
  vfs.begin();
  const handle = vfs.handleOf(vfs.lookup(ROOT, inode, bytes('file')));
  const directory = vfs.handleOf(inode);
  for (const restarts of [false, true]) {
    if (restarts) place.restart();
    expect(await patiently(() => readAll(place.vfs, place.vfs.resolve(handle)))).toBe('deep');
    let up = await patiently(() => place.vfs.resolve(directory));
    let levels = 0;
    for (; up !== place.vfs.root; levels += 1) {
      place.vfs.begin();
      const below = up;
      up = await patiently(() => place.vfs.lookup(ROOT, below, bytes('..')));
    }
    expect(levels).toBe(3000);
  }
});
