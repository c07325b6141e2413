/** How much boards may write, with a quota: exactly, and counted right whatever happens. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Inode } from '../../../src/nfs/vfs/vfs.ts';
import { measure } from '../../../src/rootfs/measure.ts';
import { limitsOf } from '../../../src/rootfs/quota.ts';
import {
  type Ledger,
  markDirty,
  settle,
  treeAdded,
  treeRemoved,
  usageOf,
} from '../../../src/rootfs/usage.ts';
import { at, bytes, codeOf, put, ROOT, run, SUDO } from './fixture.ts';
import { makeQuotaPlace, type QuotaPlace } from './quota-fixture.ts';

const CHILD = new URL('./quota-child.ts', import.meta.url).pathname;
const BLOCK = 4096;

let place: QuotaPlace;
afterEach(() => place?.remove());

/** A place whose figures are known. */
async function placeWith(quota: number, maxFiles = 0): Promise<QuotaPlace> {
  place = makeQuotaPlace(quota, maxFiles);
  await place.settled();
  return place;
}

const write = (inode: Inode, offset: number, length: number) =>
  place.vfs.write(ROOT, inode, offset, Buffer.alloc(length, 1), 0);
const used = () => place.vfs.usage()?.used.bytes ?? Number.NaN;

/** A file in the root that takes all that is left. */
async function fill(quota: number): Promise<Inode> {
  const inode = await put(place.vfs, place.vfs.root, 'full');
  await write(inode, 0, quota - used());
  expect(used()).toBe(quota);
  return inode;
}

test.each([1, 2, 3])('random operations leave the counter at what a walk says (%i)', (seed) => {
  expect(run(process.execPath, CHILD, String(seed), '2000', os.tmpdir())).toBe('');
});

test.each([
  ['xfs', ['-q'], 0],
  ['btrfs', ['-q'], BLOCK],
] as const)('the same on %s', (kind, options, spare) => {
  const top = fs.mkdtempSync(path.join(os.tmpdir(), 'quota-fs-'));
  const image = path.join(top, 'image');
  const mounted = path.join(top, 'mounted');
  fs.mkdirSync(mounted);
  const sudo = (...words: string[]) => run(...([...SUDO, ...words] as [string, ...string[]]));
  execFileSync('truncate', ['-s', '400M', image]);
  run(`/usr/sbin/mkfs.${kind}`, ...options, image);
  sudo('mount', '-o', 'loop', image, mounted);
  try {
    sudo('chmod', '777', mounted);
    expect(run(process.execPath, CHILD, '4', '2000', mounted, String(spare))).toBe('');
  } finally {
    sudo('umount', mounted);
    fs.rmSync(top, { recursive: true });
  }
});

test('the last block may be written, and not a byte more', async () => {
  const quota = 1024 * 1024;
  await placeWith(quota);
  const inode = await fill(quota);
  const { size } = place.vfs.attributes(inode);
  expect(await codeOf(() => write(inode, size, 1))).toBe('EDQUOT');
  expect(await write(inode, 0, size)).toBe(size);
  expect(await write(inode, 1, 5000)).toBe(5000);
  expect(used()).toBe(quota);
});

test('what fits of a write is written', async () => {
  const quota = 1024 * 1024;
  await placeWith(quota);
  const inode = await put(place.vfs, place.vfs.root, 'file');
  const left = quota - used();
  expect(await write(inode, 100, quota)).toBe(left - 100);
  expect(await codeOf(() => write(inode, left, 10))).toBe('EDQUOT');
  expect(await write(inode, left - 10, 20)).toBe(10);
});

test('a hole takes nothing until it is filled', async () => {
  const quota = 256 * 1024;
  await placeWith(quota);
  const sparse = await put(place.vfs, place.vfs.root, 'sparse');
  await place.vfs.setattr(ROOT, sparse, { size: 1e9 });
  await write(sparse, 500_000_000, BLOCK);
  await fill(quota);
  expect(await codeOf(() => write(sparse, 1000, 1))).toBe('EDQUOT');
  // The block at 500,000,000 ends at 500,002,816.
  expect(await codeOf(() => write(sparse, 500_000_000 + 2 * BLOCK, 1))).toBe('EDQUOT');
  expect(await write(sparse, 500_000_000, 10)).toBe(10);
});

test('removing and truncating makes room at once', async () => {
  const quota = 1024 * 1024;
  await placeWith(quota);
  const inode = await fill(quota);
  const other = place.vfs.root;
  expect(await codeOf(() => put(place.vfs, other, 'more'))).toBe('EDQUOT');
  await place.vfs.setattr(ROOT, inode, { size: 100_000 });
  await put(place.vfs, place.vfs.root, 'more', { content: 'x'.repeat(50_000) });
  await place.vfs.remove(ROOT, place.vfs.root, bytes('full'));
  await place.vfs.remove(ROOT, place.vfs.root, bytes('more'));
  expect(place.vfs.usage()?.used).toEqual(place.measured());
});

test('nothing new is made in a full root, and renaming in a directory goes on', async () => {
  const quota = 1024 * 1024;
  await placeWith(quota);
  const inode = await fill(quota);
  const make = [
    () => put(place.vfs, place.vfs.root, 'new'),
    () => place.vfs.mkdir(ROOT, place.vfs.root, bytes('new'), { mode: 0o755 }),
    () => place.vfs.symlink(ROOT, place.vfs.root, bytes('new'), {}, bytes('target')),
    () => place.vfs.mknod(ROOT, place.vfs.root, bytes('new'), 7, { mode: 0o600 }, 0, 0),
    () => place.vfs.link(ROOT, inode, place.vfs.root, bytes('new')),
  ];
  for (const each of make) expect(await codeOf(each)).toBe('EDQUOT');
  await place.vfs.rename(ROOT, place.vfs.root, bytes('full'), place.vfs.root, bytes('renamed'));
  await place.vfs.setattr(ROOT, at(place.vfs, 'renamed'), { mode: 0o600, uid: 5 });
  expect(fs.readdirSync(place.root)).toEqual(['renamed']);
  expect(place.measured().bytes).toBe(quota);
});

test('max_files counts inodes, whatever they are and how many names they have', async () => {
  // The base and the root are two.
  await placeWith(0, 5);
  const file = await put(place.vfs, place.vfs.root, 'file');
  await place.vfs.mkdir(ROOT, place.vfs.root, bytes('directory'), { mode: 0o755 });
  await place.vfs.link(ROOT, file, place.vfs.root, bytes('link'));
  await place.vfs.symlink(ROOT, place.vfs.root, bytes('symlink'), {}, bytes('x'));
  expect(await codeOf(() => put(place.vfs, place.vfs.root, 'more'))).toBe('EDQUOT');
  await place.vfs.link(ROOT, file, place.vfs.root, bytes('third'));
  await place.vfs.remove(ROOT, place.vfs.root, bytes('third'));
  expect(await codeOf(() => put(place.vfs, place.vfs.root, 'more'))).toBe('EDQUOT');
  await place.vfs.remove(ROOT, place.vfs.root, bytes('symlink'));
  await put(place.vfs, place.vfs.root, 'more');
});

test('df shows the quota, and never more than the file system has', async () => {
  await placeWith(8 * 1024 * 1024, 100);
  await put(place.vfs, place.vfs.root, 'file', { content: 'x'.repeat(10_000) });
  const taken = place.measured();
  const { root } = place.vfs;
  expect(place.vfs.statfs(root)).toEqual({
    ...{ tbytes: 8 * 1024 * 1024, fbytes: 8 * 1024 * 1024 - taken.bytes },
    ...{ abytes: 8 * 1024 * 1024 - taken.bytes, tfiles: 100 },
    ...{ ffiles: 100 - taken.files, afiles: 100 - taken.files },
  });
  place.remove();
  await placeWith(2 ** 50);
  const { blocks, bsize, bavail } = fs.statfsSync(place.base);
  const large = place.vfs.statfs(place.vfs.root);
  expect(large.tbytes).toBe(blocks * bsize);
  expect(Math.abs(large.abytes - bavail * bsize)).toBeLessThan(100 * 1024 * 1024);
});

test('a clean end leaves figures that count, a sudden one leads to a walk', async () => {
  await placeWith(8 * 1024 * 1024);
  await put(place.vfs, place.vfs.root, 'file', { content: 'x'.repeat(10_000) });
  await place.vfs.commit(ROOT, at(place.vfs, 'file'));
  place.restart();
  expect(place.record()).toMatchObject({ dirty: 0, served: true });
  expect(place.vfs.usage()?.used).toEqual(place.measured());

  place.crash();
  expect(place.record().dirty).toBeGreaterThan(0);
  // What nobody has told the file of.
  fs.writeFileSync(path.join(place.root, 'lost'), Buffer.alloc(50_000));
  expect(await place.settled()).toEqual(place.measured());
});

test('changes while it walks are neither lost nor counted twice', async () => {
  await placeWith(0, 1_000_000);
  for (let index = 0; index < 40; index += 1) {
    fs.mkdirSync(path.join(place.root, `d${index}/e`), { recursive: true });
    for (let file = 0; file < 60; file += 1)
      fs.writeFileSync(path.join(place.root, `d${index}/e/f${file}`), 'x');
  }
  place.crash();
  let step = 0;
  for (; place.record().dirty !== 0; step += 1) {
    const [one, other] = [step % 40, (step * 7) % 40];
    await codeOf(() => put(place.vfs, at(place.vfs, `d${one}/e`), `n${step}`, { content: 'y'.repeat(9000) }));
    await codeOf(() => place.vfs.remove(ROOT, at(place.vfs, `d${other}/e`), bytes(`f${step % 60}`)));
    const move = (from: string, name: string, to: string) => () =>
      place.vfs.rename(ROOT, at(place.vfs, from), bytes(name), at(place.vfs, `d${other}`), bytes(to));
    await codeOf(move(`d${one}/e`, `f${step % 60}`, `r${step}`));
    await codeOf(move(`d${one}`, 'e', `e${step}`));
    await codeOf(move('', `d${one}`, `m${step}`));
    await new Promise((resolve) => setTimeout(resolve, 1));
    place.vfs.usage();
  }
  expect(step).toBeGreaterThan(5);
  expect(place.vfs.usage()?.used).toEqual(place.measured());
});

function ledger(serves: boolean): Ledger {
  return {
    roots: {
      ...{ base: place.base, live: place.root, replaced: path.join(place.base, '.replaced') },
      saved: path.join(path.dirname(place.base), '.saved/alice'),
    },
    ...{ limits: limitsOf(8 * 1024 * 1024, 0), file: place.usageFile },
    serverPid: () => (serves ? process.pid : undefined),
  };
}

test('what an upload changed beside the server is found', async () => {
  await placeWith(8 * 1024 * 1024);
  const signalled = new Promise<void>((resolve) => process.once('SIGUSR1', () => resolve()));
  markDirty(ledger(true));
  fs.writeFileSync(path.join(place.root, 'file'), Buffer.alloc(100_000));
  place.vfs.usageChanged();
  await new Promise((resolve) => setTimeout(resolve, 100));
  // Not before the upload is over.
  expect(place.record().dirty).toBeGreaterThan(0);
  fs.writeFileSync(path.join(place.base, 'upload'), Buffer.alloc(200_000));
  settle(ledger(true));
  await signalled;
  place.vfs.usageChanged();
  expect(await place.settled()).toEqual(place.measured());
});

test('a saved root counts, and an exchanged one does no more', async () => {
  await placeWith(8 * 1024 * 1024);
  const old = await put(place.vfs, place.vfs.root, 'file', { content: 'x'.repeat(100_000) });
  const { roots } = ledger(true);
  const saved = path.join(roots.saved, 'one');
  fs.mkdirSync(saved, { recursive: true });
  fs.writeFileSync(path.join(saved, 'file'), Buffer.alloc(1_000_000));
  treeAdded(ledger(true), saved);
  const before = place.measured().bytes;
  expect(used()).toBe(before + measure(saved).bytes);

  // The tree in the making, as untar has it.
  const tree = path.join(roots.replaced, '1');
  fs.mkdirSync(tree, { recursive: true });
  fs.writeFileSync(path.join(tree, 'other'), Buffer.alloc(300_000));
  treeAdded(ledger(true), tree);
  fs.renameSync(place.root, `${tree}.old`);
  fs.renameSync(tree, place.root);
  fs.renameSync(`${tree}.old`, tree);
  expect(used()).toBe(place.measured().bytes + measure(saved).bytes);
  expect(place.vfs.usage()?.replaced.bytes).toBe(measure(tree).bytes);
  expect(usageOf(ledger(true)).replaced.get(1)).toEqual(measure(tree));

  // A board that runs on the old one is charged there, also before anybody has looked what is where.
  expect(await write(old, 200_000, 40_000)).toBe(40_000);
  expect(place.vfs.usage()).toMatchObject({
    used: { bytes: place.measured().bytes + measure(saved).bytes },
    replaced: measure(tree),
  });
  place.vfs.lookAtRoots();
  await put(place.vfs, place.vfs.root, 'new', { content: 'x'.repeat(50_000) });
  // The server writes its figures now and then.
  place.vfs.usage();
  expect(usageOf(ledger(true))).toMatchObject({
    ...{ live: measure(place.root), replaced: new Map([[1, measure(tree)]]) },
  });
  // The old root has as much room again, and its own df.
  expect(place.vfs.statfs(old).fbytes).toBe(8 * 1024 * 1024 - measure(tree).bytes);
  expect(await write(old, 0, 9 * 1024 * 1024)).toBeGreaterThan(7.9 * 1024 * 1024);
  expect(await codeOf(() => write(old, 9 * 1024 * 1024, 1))).toBe('EDQUOT');
  await put(place.vfs, place.vfs.root, 'newer', { content: 'x'.repeat(50_000) });
  treeRemoved(ledger(true), Object.keys(place.record().saved)[0] ?? '');
  expect(used()).toBe(place.measured().bytes);
});
