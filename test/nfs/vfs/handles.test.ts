import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { HANDLE_SIZE } from '../../../src/nfs/vfs/handle.ts';
import { Search } from '../../../src/nfs/vfs/search.ts';
import type { Inode } from '../../../src/nfs/vfs/vfs.ts';
import { at, bytes, codeOf, makePlace, names, type Place, patiently, put, ROOT, readAll } from './fixture.ts';

let place: Place;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => {
  vi.restoreAllMocks();
  place.remove();
});

/** What a client does with a handle. */
async function content(handle: Buffer): Promise<string> {
  return await patiently(() => readAll(place.vfs, place.vfs.resolve(handle)));
}

async function outcome(handle: Buffer): Promise<string> {
  return await codeOf(() => patiently(() => place.vfs.attributes(place.vfs.resolve(handle))));
}

async function handleOf(below: string): Promise<Buffer> {
  return await patiently(() => place.vfs.handleOf(at(place.vfs, below)));
}

describe('a handle', () => {
  test('is small, and the same for the same file', async () => {
    fs.writeFileSync(place.path('file'), 'content');
    fs.linkSync(place.path('file'), place.path('other'));
    const handle = await handleOf('file');
    expect(handle.length).toBeLessThanOrEqual(32);
    expect(await handleOf('other')).toEqual(handle);
    place.restart();
    expect(await handleOf('file')).toEqual(handle);
  });

  test('survives a restart, for every kind of file', async () => {
    fs.mkdirSync(place.path('a/b'), { recursive: true });
    fs.writeFileSync(place.path('a/b/file'), 'content');
    await place.vfs.symlink(ROOT, at(place.vfs, 'a'), bytes('link'), {}, bytes('target'));
    await place.vfs.mknod(ROOT, at(place.vfs, 'a'), bytes('fifo'), 7, {}, 0, 0);
    const below = ['', 'a', 'a/b', 'a/b/file', 'a/link', 'a/fifo'];
    const handles = await Promise.all(below.map(handleOf));
    const before = below.map((name) => place.vfs.attributes(at(place.vfs, name)));
    place.restart();
    for (const [index, handle] of handles.entries()) {
      const after = await patiently(() => place.vfs.attributes(place.vfs.resolve(handle)));
      expect({ ...after, atime: 0 }).toEqual({ ...before[index], atime: 0 });
    }
  });

  test.each([false, true])('survives renames by the server, restart: %s', async (restarts) => {
    await put(place.vfs, place.vfs.root, 'file', { content: 'content' });
    const from = await place.vfs.mkdir(ROOT, place.vfs.root, bytes('from'), { mode: 0o755 });
    const to = await place.vfs.mkdir(ROOT, place.vfs.root, bytes('to'), { mode: 0o755 });
    const handle = await handleOf('file');
    await place.vfs.rename(ROOT, place.vfs.root, bytes('file'), from, bytes('other'));
    expect(await content(handle)).toBe('content');
    await place.vfs.rename(ROOT, place.vfs.root, bytes('from'), to, bytes('below'));
    if (restarts) place.restart();
    expect(await content(handle)).toBe('content');
  });

  test.each([false, true])('survives what another program moves, open at that time: %s', async (isOpen) => {
    fs.mkdirSync(place.path('a/b/c'), { recursive: true });
    fs.mkdirSync(place.path('elsewhere'));
    fs.writeFileSync(place.path('a/b/c/file'), 'content');
    fs.writeFileSync(place.path('a/b/moved'), 'moved');
    const handles = await Promise.all(['a/b', 'a/b/c', 'a/b/c/file', 'a/b/moved'].map(handleOf));
    const [b, c, file, moved] = handles as [Buffer, Buffer, Buffer, Buffer];
    if (isOpen) await content(file);
    fs.renameSync(place.path('a/b'), place.path('elsewhere/x'));
    fs.renameSync(place.path('elsewhere/x/moved'), place.path('moved'));
    expect(await content(file)).toBe('content');
    expect(await content(moved)).toBe('moved');
    expect(await outcome(b)).toBe('ok');
    const inode = place.vfs.resolve(c);
    const above = await patiently(() => place.vfs.lookup(ROOT, inode, bytes('..')));
    expect(place.vfs.handleOf(above)).toEqual(b);
    expect(await codeOf(() => at(place.vfs, 'a/b'))).toBe('ENOENT');
  });

  test('directories that others turn upside down are found again', async () => {
    fs.mkdirSync(place.path('a/b'), { recursive: true });
    fs.writeFileSync(place.path('a/b/file'), 'content');
    const handles = await Promise.all(['a', 'a/b', 'a/b/file'].map(handleOf));
    fs.renameSync(place.path('a/b'), place.path('b'));
    fs.renameSync(place.path('a'), place.path('b/a'));
    // With `b` open, a lookup in it says that `a` is below, while `b` is still below `a` in memory.
    expect(
      await codeOf(() => place.vfs.lookup(ROOT, place.vfs.resolve(handles[1] as Buffer), bytes('a'))),
    ).toBe('ok');
    closeDescriptors();
    for (const handle of handles) expect(await outcome(handle)).toBe('ok');
    expect(await content(handles[2] as Buffer)).toBe('content');
  });

  test('is stale for good when another program removed the tree', async () => {
    fs.mkdirSync(place.path('a/b'), { recursive: true });
    fs.writeFileSync(place.path('a/b/file'), 'content');
    fs.writeFileSync(place.path('a/b/saved'), 'saved');
    const handles = await Promise.all(['a', 'a/b', 'a/b/file'].map(handleOf));
    const saved = await handleOf('a/b/saved');
    closeDescriptors();
    fs.renameSync(place.path('a/b/saved'), place.path('saved'));
    fs.rmSync(place.path('a'), { recursive: true });
    for (const handle of handles.toReversed()) expect(await outcome(handle)).toBe('ESTALE');
    expect(await content(saved)).toBe('saved');
  });

  test('of a file and of a directory that got the same inode number are not confused', async () => {
    for (let round = 0; round < 50; round += 1) {
      fs.writeFileSync(place.path('thing'), '');
      const file = await handleOf('thing');
      fs.unlinkSync(place.path('thing'));
      fs.mkdirSync(place.path('thing'));
      const directory = await handleOf('thing');
      expect(await outcome(directory)).toBe('ok');
      expect(await codeOf(() => place.vfs.attributes(place.vfs.resolve(file)))).not.toBe('ok');
      fs.rmdirSync(place.path('thing'));
    }
  });

  function closeDescriptors(): void {
    const { tree } = (place.vfs as unknown as { volume: { tree: { descriptors: Descriptors } } }).volume;
    for (const inode of [...tree.descriptors.inodes]) tree.descriptors.close(inode);
  }
  interface Descriptors {
    readonly inodes: Set<Inode>;
    close(inode: Inode): void;
  }
});

describe('a name less', () => {
  test('the other names of a file go on to be known', async () => {
    const walks = vi.spyOn(Search.prototype, 'run');
    const { vfs } = place;
    const { root } = vfs;
    fs.writeFileSync(place.path('temporary'), 'content');
    const handle = await handleOf('temporary');
    void vfs.link(ROOT, at(vfs, 'temporary'), root, bytes('final'));
    void vfs.remove(ROOT, root, bytes('temporary'));
    vfs.begin();
    expect(vfs.attributes(vfs.resolve(handle)).nlink).toBe(1);
    // The other way round.
    void vfs.link(ROOT, at(vfs, 'final'), root, bytes('backup'));
    at(vfs, 'final');
    void vfs.remove(ROOT, root, bytes('backup'));
    vfs.begin();
    expect(vfs.attributes(vfs.resolve(handle)).nlink).toBe(1);
    expect(walks).not.toHaveBeenCalled();
    expect(await content(handle)).toBe('content');
  });
});

describe('no other file', () => {
  test('is what an old handle means, after 2,000 files of the same inode number', async () => {
    const handles: Buffer[] = [];
    const inodes = new Set<number>();
    for (let round = 0; round < 2000; round += 1) {
      const inode = await put(place.vfs, place.vfs.root, 'file');
      inodes.add(inode.ino);
      handles.push(place.vfs.handleOf(inode));
      void place.vfs.remove(ROOT, place.vfs.root, bytes('file'));
    }
    await put(place.vfs, place.vfs.root, 'file');
    // Or the test shows nothing.
    expect(inodes.size).toBeLessThan(1000);
    expect(new Set(handles.map((handle) => handle.toString('hex'))).size).toBe(2000);
    for (const restarts of [false, true]) {
      if (restarts) place.restart();
      const outcomes = new Set<string>();
      for (const handle of handles) outcomes.add(await outcome(handle));
      expect(outcomes).toEqual(new Set(['ESTALE']));
    }
  });

  test('is what a handle means whose file another program replaced', async () => {
    for (let round = 0; round < 100; round += 1) {
      fs.writeFileSync(place.path('file'), 'old');
      const handle = await handleOf('file');
      fs.unlinkSync(place.path('file'));
      fs.writeFileSync(place.path('file'), 'new');
      expect(await outcome(handle)).toBe('ESTALE');
    }
  });
});

describe('handles that nobody was given', () => {
  test('in another form are told so', async () => {
    const handle = await handleOf('');
    for (const wrong of [
      Buffer.alloc(0),
      Buffer.alloc(HANDLE_SIZE),
      Buffer.alloc(64, 0xff),
      handle.subarray(0, HANDLE_SIZE - 1),
      Buffer.concat([handle, Buffer.alloc(1)]),
    ]) {
      expect(await outcome(wrong)).toBe('EBADHANDLE');
    }
  });

  test('are stale, and cost one walk altogether', async () => {
    const handle = await handleOf('');
    const walks = vi.spyOn(Search.prototype, 'run');
    for (let round = 0; round < 2000; round += 1) {
      const forged = Buffer.from(handle);
      forged.writeUInt32BE(round * 7 + 1_000_000, 20);
      if (round % 3 === 0) forged.writeUInt32BE(0xffffffff, 16);
      expect(await outcome(forged)).toBe('ESTALE');
    }
    expect(walks.mock.calls.length).toBeLessThanOrEqual(1);
  });

  test('with the right inode and another generation are stale', async () => {
    fs.writeFileSync(place.path('file'), '');
    const handle = await handleOf('file');
    for (let bit = 0; bit < 64; bit += 1) {
      const forged = Buffer.from(handle);
      const byte = 24 + (bit >> 3);
      forged[byte] = (forged[byte] as number) ^ (1 << (bit & 7));
      expect(await outcome(forged)).toBe('ESTALE');
    }
    expect(await outcome(handle)).toBe('ok');
  });

  test('of another export are stale', async () => {
    const other = makePlace();
    const handle = other.vfs.handleOf(other.vfs.root);
    other.remove();
    expect(await outcome(handle)).toBe('ESTALE');
  });
});

describe('with an export below the base', () => {
  beforeEach(() => {
    fs.mkdirSync(place.path('root/a'), { recursive: true });
    fs.mkdirSync(place.path('.replaced/1'), { recursive: true });
    place.restart({ exportPath: place.path('root') });
  });

  test('a made-up handle of the base is stale', async () => {
    const handle = Buffer.from(place.vfs.handleOf(place.vfs.root));
    const { ino } = fs.statSync(place.base);
    handle.writeUInt32BE(Math.floor(ino / 2 ** 32), 16);
    handle.writeUInt32BE(ino % 2 ** 32, 20);
    handle.copy(handle, 24, 8, 16);
    expect(await outcome(handle)).toBe('ESTALE');
  });

  test('the top is its own parent', async () => {
    const { vfs } = place;
    expect(vfs.lookup(ROOT, vfs.root, bytes('..'))).toBe(vfs.root);
    expect(vfs.lookup(ROOT, at(vfs, 'a'), bytes('..'))).toBe(vfs.root);
    expect(names(vfs, vfs.root)).toEqual(['a']);
  });

  test('a replaced root goes on to answer', async () => {
    fs.writeFileSync(place.path('root/a/file'), 'old root');
    const handle = await handleOf('a/file');
    fs.renameSync(place.path('root'), place.path('.replaced/2'));
    fs.mkdirSync(place.path('root'));
    expect(await content(handle)).toBe('old root');
    place.restart({ exportPath: place.path('root') });
    expect(await content(handle)).toBe('old root');
    expect(names(place.vfs, place.vfs.root)).toEqual([]);
  });

  test('MNT takes the root and directories in it', async () => {
    const { vfs } = place;
    fs.writeFileSync(place.path('root/file'), '');
    const root = place.path('root');
    expect(vfs.directory(root)).toBe(vfs.root);
    expect(vfs.directory(`${root}/`)).toBe(vfs.root);
    expect(vfs.directory(`${root}/a`)).toBe(at(vfs, 'a'));
    const outcomes = [];
    for (const wrong of [
      '',
      'root',
      '/',
      place.base,
      `${root}2`,
      `${root}/..`,
      `${root}/a/../..`,
      `${root}/b`,
    ]) {
      outcomes.push(await codeOf(() => vfs.directory(wrong)));
    }
    expect(new Set(outcomes)).toEqual(new Set(['ENOENT']));
    expect(await codeOf(() => vfs.directory(`${root}/file`))).toBe('ENOTDIR');
    expect(await codeOf(() => vfs.directory(`${root}/file/x`))).toBe('ENOTDIR');
    expect(await codeOf(() => vfs.directory(`${root}/file/x/y`))).toBe('ENOTDIR');
  });
});

describe('beyond what memory keeps', () => {
  test('files of a large directory are found by their handles', async () => {
    place.restart({ maxFiles: 64 });
    fs.mkdirSync(place.path('large'));
    for (let index = 0; index < 1000; index += 1)
      fs.writeFileSync(place.path('large', String(index)), `${index}`);
    const handles: Buffer[] = [];
    for (let index = 0; index < 1000; index += 1) handles.push(await handleOf(`large/${index}`));
    const walks = vi.spyOn(Search.prototype, 'run');
    for (let index = 0; index < 1000; index += 1) {
      const scattered = (index * 379) % 1000;
      expect(await content(handles[scattered] as Buffer)).toBe(String(scattered));
    }
    expect(walks).not.toHaveBeenCalled();
    fs.renameSync(place.path('large/7'), place.path('seven'));
    fs.unlinkSync(place.path('large/8'));
    await content(handles[500] as Buffer);
    expect(await content(handles[7] as Buffer)).toBe('7');
    expect(await outcome(handles[8] as Buffer)).toBe('ESTALE');
    expect(await outcome(handles[8] as Buffer)).toBe('ESTALE');
    expect(walks.mock.calls.length).toBeLessThanOrEqual(3);
  });
});

describe('a tree of 100,000 files', () => {
  test('answers an old handle soon after a restart, and goes on meanwhile', async () => {
    for (let directory = 0; directory < 10_000; directory += 1) {
      const name = path.join(place.base, String(directory % 100), String(directory));
      fs.mkdirSync(name, { recursive: true });
      for (let file = 0; file < 10; file += 1) fs.closeSync(fs.openSync(path.join(name, String(file)), 'w'));
    }
    const handles = await Promise.all(['99/9999/9', '0/0/0', '50/5050/5'].map(handleOf));
    place.restart();
    const begin = performance.now();
    let longest = 0;
    let turn = begin;
    let isDone = false;
    const watch = (): void => {
      const now = performance.now();
      longest = Math.max(longest, now - turn);
      turn = now;
      if (!isDone) setImmediate(watch);
    };
    setImmediate(watch);
    expect(await outcome(handles[0] as Buffer)).toBe('ok');
    const first = performance.now() - begin;
    isDone = true;
    const walks = vi.spyOn(Search.prototype, 'run');
    for (const handle of handles) expect(await outcome(handle)).toBe('ok');
    expect(walks).not.toHaveBeenCalled();
    console.log(`first old handle: ${first.toFixed(0)} ms; longest pause: ${longest.toFixed(0)} ms`);
    expect(first).toBeLessThan(5000);
    expect(longest).toBeLessThan(first / 4);
  }, 180_000);
});
