/** The root is exchanged under a running VFS: who has handles of the old one works on in it. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { encodeHandle, generationOf } from '../../../src/nfs/vfs/handle.ts';
import type { Inode, Vfs } from '../../../src/nfs/vfs/vfs.ts';
import { beginTree } from '../../../src/rootfs/new-tree.ts';
import { rootsOf } from '../../../src/rootfs/roots.ts';
import { closeDescriptor, descriptorHandle, exchangeEntries } from '../../../src/system/files.ts';
import { Listing } from '../../../src/system/listing.ts';
import {
  at,
  bytes,
  codeOf,
  list,
  makePlace,
  names,
  type Place,
  patiently,
  put,
  ROOT,
  readAll,
} from './fixture.ts';

let place: Place;
const live = () => path.join(place.base, 'root');
const restart = () => place.restart({ exportPath: live() });

beforeEach(() => {
  place = makePlace();
  fs.mkdirSync(live());
  restart();
});
afterEach(() => {
  vi.restoreAllMocks();
  place.remove();
});

/** Puts a new root in the place of the live one, as untar does. @returns the old one's path */
function replace(content: Record<string, string> = { file: 'new' }): string {
  const tree = beginTree(rootsOf(place.base));
  for (const [name, text] of Object.entries(content)) fs.writeFileSync(path.join(tree.path, name), text);
  tree.switchIn();
  return tree.path;
}

/** Memory has no file open any more, as after ten seconds. */
function closeDescriptors(): void {
  const { tree } = (
    place.vfs as unknown as {
      volume: { tree: { descriptors: { inodes: Set<Inode>; close(inode: Inode): void } } };
    }
  ).volume;
  for (const inode of [...tree.descriptors.inodes]) tree.descriptors.close(inode);
}

/** What a client does with a handle. */
const by = <T>(handle: Buffer, run: (vfs: Vfs, inode: Inode) => T) =>
  patiently(() => run(place.vfs, place.vfs.resolve(handle)));
const handleAt = (below: string) => place.vfs.handleOf(at(place.vfs, below));

async function fill(): Promise<Record<'root' | 'dir' | 'deep' | 'file' | 'top', Buffer>> {
  const { vfs } = place;
  const dir = await vfs.mkdir(ROOT, vfs.root, bytes('dir'), { mode: 0o755 });
  const deep = await vfs.mkdir(ROOT, dir, bytes('deep'), { mode: 0o755 });
  await put(vfs, deep, 'file', { content: 'old', uid: 5 });
  await put(vfs, vfs.root, 'file', { content: 'old top' });
  const [root, d, e, file, top] = ['', 'dir', 'dir/deep', 'dir/deep/file', 'file'].map(handleAt);
  return { root, dir: d, deep: e, file, top } as never;
}

test.each(['open', 'closed', 'restarted'])('handles of the old root go on, files %s', async (state) => {
  const handles = await fill();
  replace();
  if (state === 'closed') closeDescriptors();
  if (state === 'restarted') restart();
  expect(await by(handles.file, (vfs, file) => readAll(vfs, file))).toBe('old');
  expect(await by(handles.top, (vfs, file) => readAll(vfs, file))).toBe('old top');
  expect(await by(handles.file, (vfs, file) => vfs.attributes(file).uid)).toBe(5);
  await by(handles.file, (vfs, file) => vfs.write(ROOT, file, 0, bytes('OLD'), 0));
  expect(await by(handles.deep, (vfs, deep) => readAll(vfs, vfs.lookup(ROOT, deep, bytes('file'))))).toBe(
    'OLD',
  );
  await by(handles.root, (vfs, root) => put(vfs, root, 'made'));
  expect((await by(handles.root, names)).sort()).toEqual(['dir', 'file', 'made']);
  // And the new one is another.
  expect(names(place.vfs, place.vfs.root)).toEqual(['file']);
  expect(await readAll(place.vfs, at(place.vfs, 'file'))).toBe('new');
});

test.each(['open', 'closed', 'restarted'])('the old root is its own top, files %s', async (state) => {
  const { root, dir } = await fill();
  const oldIno = fs.statSync(live()).ino;
  replace();
  if (state === 'closed') closeDescriptors();
  if (state === 'restarted') restart();
  const above = await by(root, (vfs, old) => vfs.handleOf(vfs.lookup(ROOT, old, bytes('..'))));
  expect(above).toEqual(root);
  expect(await by(dir, (vfs, below) => vfs.handleOf(vfs.lookup(ROOT, below, bytes('..'))))).toEqual(root);
  const entries = await by(root, (vfs, old) => list(vfs, old));
  for (const name of ['.', '..']) {
    expect(entries.find((entry) => entry.name === name)?.fileid, name).toBe(oldIno);
  }
  expect(await by(root, (vfs, old) => vfs.attributes(old).fsid)).toBe(
    place.vfs.attributes(place.vfs.root).fsid,
  );
});

test('also the root before the old one, and after any number of exchanges', async () => {
  const first = await fill();
  replace({ file: 'second' });
  const second = handleAt('file');
  replace({ file: 'third' });
  closeDescriptors();
  const third = handleAt('file');
  replace({ file: 'fourth' });
  for (const state of ['closed', 'restarted']) {
    if (state === 'closed') closeDescriptors();
    else restart();
    const texts: string[] = [];
    for (const handle of [first.file, second, third, handleAt('file')]) {
      texts.push(await by(handle, (vfs, file) => readAll(vfs, file)));
    }
    expect(texts).toEqual(['old', 'second', 'third', 'fourth']);
  }
});

test('MNT takes the new root alone', async () => {
  const { dir } = await fill();
  const old = place.vfs.handleOf(place.vfs.root);
  const number = path.basename(replace());
  expect(place.vfs.handleOf(place.vfs.directory(live()))).not.toEqual(old);
  for (const other of ['.replaced', `.replaced/${number}`, 'root/../.replaced', '']) {
    expect(await codeOf(() => place.vfs.directory(path.join(place.base, other))), other).toBe('ENOENT');
  }
  expect(await codeOf(() => place.vfs.directory(path.join(live(), 'dir')))).toBe('ENOENT');
  expect(await by(dir, names)).toEqual(['deep']);
});

/** What nobody is given a handle of. */
function forged(file: string): Buffer {
  const handleOf = (name: string) => {
    const fd = fs.openSync(name, 'r');
    const generation = generationOf(descriptorHandle(fd) as Buffer);
    closeDescriptor(fd);
    return generation;
  };
  return encodeHandle(handleOf(place.base), fs.statSync(file).ino, handleOf(file));
}

test('the base, .replaced, markers and what is being removed are nobody’s', async () => {
  const replaced = replace();
  const directory = path.dirname(replaced);
  const tree = beginTree(rootsOf(place.base));
  const gone = path.join(directory, '9.gone');
  fs.mkdirSync(gone);
  fs.writeFileSync(path.join(gone, 'file'), '');
  for (const restarts of [false, true]) {
    if (restarts) restart();
    for (const file of [place.base, directory, `${tree.path}.new`, gone, path.join(gone, 'file')]) {
      const handle = forged(file);
      expect(await codeOf(() => patiently(() => place.vfs.resolve(handle))), file).toBe('ESTALE');
    }
    expect(await codeOf(() => patiently(() => place.vfs.resolve(forged(replaced))))).toBe('ok');
  }
  tree.abandon();
});

test('a plain export that is its own base may have anything called .replaced', async () => {
  fs.mkdirSync(path.join(place.base, '.replaced/5.gone'), { recursive: true });
  fs.writeFileSync(path.join(place.base, '.replaced/file'), 'text');
  place.restart();
  const handles = ['.replaced', '.replaced/5.gone', '.replaced/file'].map(handleAt);
  place.restart();
  for (const handle of handles) expect(await by(handle, (vfs, inode) => vfs.handleOf(inode))).toEqual(handle);
  const above = await by(handles[0] as Buffer, (vfs, inode) => vfs.lookup(ROOT, inode, bytes('..')));
  expect(above).toBe(place.vfs.root);
});

test('an old root is found without a walk through the new one', async () => {
  const handles = await fill();
  const tree = beginTree(rootsOf(place.base));
  for (let number = 0; number < 300; number += 1) {
    fs.mkdirSync(path.join(tree.path, `d${number}`));
    fs.writeFileSync(path.join(tree.path, `d${number}/file`), '');
  }
  tree.switchIn();
  closeDescriptors();
  const next = vi.spyOn(Listing.prototype, 'next');
  expect(await by(handles.file, (vfs, file) => readAll(vfs, file))).toBe('old');
  expect(next.mock.calls.length).toBeLessThan(20);
});

test('a file that somebody moved within the old root is found, too', async () => {
  const handles = await fill();
  const old = replace();
  closeDescriptors();
  fs.renameSync(path.join(old, 'dir/deep'), path.join(old, 'shallow'));
  expect(await by(handles.file, (vfs, file) => readAll(vfs, file))).toBe('old');
  expect(await by(handles.deep, names)).toEqual(['file']);
});

test('a root that is gone is stale, and its inode numbers mean no other files', async () => {
  const handles = await fill();
  const old = replace();
  place.vfs.lookAtRoots();
  await by(handles.file, (vfs, file) => readAll(vfs, file));
  place.vfs.forgetRoot(fs.statSync(old).ino);
  fs.rmSync(old, { recursive: true });
  const next = vi.spyOn(Listing.prototype, 'next');
  for (const handle of Object.values(handles)) {
    expect(await codeOf(() => by(handle, (vfs, inode) => vfs.attributes(inode)))).toBe('ESTALE');
  }
  // One walk for all of them.
  expect(next.mock.calls.length).toBeLessThan(20);
  expect(names(place.vfs, place.vfs.root)).toEqual(['file']);
});

test('nor is a walk made for each file whose name memory had dropped', async () => {
  place.restart({ exportPath: live(), maxFiles: 4 });
  const handles: Buffer[] = [];
  for (let number = 0; number < 20; number += 1) {
    await put(place.vfs, place.vfs.root, `f${number}`);
    handles.push(handleAt(`f${number}`));
    closeDescriptors();
  }
  const old = replace();
  place.vfs.lookAtRoots();
  place.vfs.forgetRoot(fs.statSync(old).ino);
  fs.rmSync(old, { recursive: true });
  const next = vi.spyOn(Listing.prototype, 'next');
  for (const handle of handles)
    expect(await codeOf(() => by(handle, (vfs, inode) => vfs.attributes(inode)))).toBe('ESTALE');
  expect(next.mock.calls.length).toBeLessThan(20);
});

test('exchanged again and again while it is read and written', async () => {
  const { file, deep } = await fill();
  const other = path.join(place.base, '.replaced');
  fs.mkdirSync(path.join(other, '1'), { recursive: true });
  const [base, replaced] = [place.base, other].map((name) => fs.openSync(name, 'r')) as [number, number];
  for (let round = 0; round < 40; round += 1) {
    expect(exchangeEntries(base, Buffer.from('root\0'), replaced, Buffer.from('1\0'))).toBe(0);
    if (round % 3 === 0) closeDescriptors();
    await by(file, (vfs, inode) => vfs.write(ROOT, inode, 0, bytes(`${100 + round}`), 0));
    expect(await by(file, (vfs, inode) => readAll(vfs, inode))).toBe(`${100 + round}`);
    await by(deep, (vfs, inode) => put(vfs, inode, `made${round}`));
  }
  expect(await by(deep, names)).toHaveLength(41);
  closeDescriptor(base);
  closeDescriptor(replaced);
});
