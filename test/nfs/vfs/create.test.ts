import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  ALICE,
  at,
  BOB,
  bytes,
  codeOf,
  makePlace,
  names,
  type Place,
  put,
  ROOT,
  readAll,
  run,
  SUDO,
} from './fixture.ts';

let place: Place;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => place.remove());

const file = bytes('file');

describe('UNCHECKED', () => {
  test('makes a file with all that it is told', async () => {
    const time = { seconds: 12, nanoseconds: 34 };
    const changes = { mode: 0o4751, uid: 5, gid: 6, size: 100, atime: time, mtime: time };
    const inode = await place.vfs.create(ROOT, place.vfs.root, file, { mode: 'unchecked', changes });
    expect(place.vfs.attributes(inode)).toMatchObject({ type: 1, nlink: 1, ...changes });
  });

  test("is the caller's, whatever others ask for", async () => {
    await place.vfs.setattr(ROOT, place.vfs.root, { mode: 0o777 });
    place.vfs.begin();
    const changes = { mode: 0o444, uid: 0, gid: 0, size: 3 };
    const inode = await place.vfs.create(BOB, place.vfs.root, file, { mode: 'unchecked', changes });
    expect(place.vfs.attributes(inode)).toMatchObject({ uid: 2000, gid: 2000, mode: 0o444, size: 3 });
  });

  test('takes what is there, and changes its size only', async () => {
    await place.vfs.setattr(ROOT, place.vfs.root, { mode: 0o755 });
    const before = await put(place.vfs, place.vfs.root, 'file', { uid: 1000, content: 'content' });
    const how = (size?: number) => ({ mode: 'unchecked' as const, changes: { mode: 0o777, uid: 9, size } });
    const same = await place.vfs.create(ALICE, place.vfs.root, file, how());
    expect(same).toBe(before);
    expect(place.vfs.attributes(same)).toMatchObject({ mode: 0o644, uid: 1000, size: 7 });
    expect(await codeOf(() => place.vfs.create(BOB, place.vfs.root, file, how()))).toBe('ok');
    expect(await codeOf(() => place.vfs.create(BOB, place.vfs.root, file, how(0)))).toBe('EACCES');
    expect(place.vfs.attributes(before).size).toBe(7);
    await place.vfs.create(ALICE, place.vfs.root, file, how(0));
    expect(place.vfs.attributes(before)).toMatchObject({ size: 0, mode: 0o644 });
  });

  test('an impossible size', async () => {
    const how = { mode: 'unchecked' as const, changes: { size: 2 ** 60 } };
    expect(await codeOf(() => place.vfs.create(ROOT, place.vfs.root, file, how))).toMatch(/^(EFBIG|EINVAL)$/);
  });
});

test.each(['file', 'directory', 'link', 'fifo'])(
  'GUARDED and what makes other things: EEXIST on a %s',
  async (name) => {
    const { vfs } = place;
    const { root } = vfs;
    await put(vfs, root, 'file');
    await vfs.mkdir(ROOT, root, bytes('directory'), {});
    await vfs.symlink(ROOT, root, bytes('link'), {}, bytes('nowhere'));
    await vfs.mknod(ROOT, root, bytes('fifo'), 7, {}, 0, 0);
    const codes = [];
    for (const call of [
      () => place.vfs.create(ROOT, root, bytes(name), { mode: 'guarded', changes: {} }),
      () => place.vfs.create(ROOT, root, bytes(name), { mode: 'exclusive', verifier: Buffer.alloc(8, 1) }),
      () => place.vfs.mkdir(ROOT, root, bytes(name), {}),
      () => place.vfs.symlink(ROOT, root, bytes(name), {}, bytes('x')),
      () => place.vfs.mknod(ROOT, root, bytes(name), 6, {}, 0, 0),
      () => place.vfs.link(ROOT, at(place.vfs, 'file'), root, bytes(name)),
    ]) {
      codes.push(await codeOf(call));
    }
    expect(new Set(codes)).toEqual(new Set(['EEXIST']));
    // No files left that were to get the name.
    expect(names(place.vfs, root).length).toBe(4);
  },
);

describe('EXCLUSIVE', () => {
  const exclusive = (verifier: Buffer) =>
    place.vfs.create(ALICE, place.vfs.root, file, { mode: 'exclusive', verifier });
  beforeEach(async () => {
    await place.vfs.setattr(ROOT, place.vfs.root, { mode: 0o777 });
    place.vfs.begin();
  });

  test.each([
    Buffer.from('0123456789abcdef', 'hex'),
    Buffer.alloc(8),
    Buffer.alloc(8, 0xff),
    Buffer.from('8000000080000001', 'hex'),
  ])('the same call again is the same file, another one EEXIST', async (verifier) => {
    const inode = await exclusive(verifier);
    place.restart();
    expect((await exclusive(verifier)).ino).toBe(inode.ino);
    const another = Buffer.from(verifier);
    another[7] = (another[7] as number) ^ 1;
    expect(await codeOf(() => exclusive(another))).toBe('EEXIST');
    expect(place.vfs.attributes(at(place.vfs, 'file'))).toMatchObject({ uid: 1000, gid: 1000, size: 0 });
  });

  test('of what was written to meanwhile is EEXIST', async () => {
    const verifier = Buffer.from('0123456789abcdef', 'hex');
    await place.vfs.write(ALICE, await exclusive(verifier), 0, bytes('x'), 0);
    expect(await codeOf(() => exclusive(verifier))).toBe('EEXIST');
  });
});

describe('MKNOD', () => {
  test.each([
    [3, 4095, 1_048_575],
    [4, 0, 0],
    [4, 4_294_967_295, 4_294_967_295],
    [6, 0, 0],
    [7, 0, 0],
  ] as const)('type %i with %i, %i', async (type, major, minor) => {
    const changes = { mode: 0o640, uid: 3, gid: 4 };
    const inode = await place.vfs.mknod(ROOT, place.vfs.root, file, type, changes, major, minor);
    expect(place.vfs.attributes(inode)).toMatchObject({ type, major, minor, ...changes, size: 0 });
    place.restart();
    expect(place.vfs.attributes(at(place.vfs, 'file'))).toMatchObject({ type, major, minor, ...changes });
    expect(fs.lstatSync(place.path('file')).isFile()).toBe(true);
  });

  test('devices are for root, other types for nobody', async () => {
    const { vfs } = place;
    await vfs.setattr(ROOT, vfs.root, { mode: 0o777 });
    vfs.begin();
    expect(await codeOf(() => vfs.mknod(ALICE, vfs.root, file, 4, {}, 1, 3))).toBe('EPERM');
    expect(await codeOf(() => vfs.mknod(ALICE, vfs.root, file, 7, {}, 1, 3))).toBe('ok');
    for (const type of [1, 2, 5] as const) {
      expect(await codeOf(() => vfs.mknod(ROOT, vfs.root, bytes('x'), type, {}, 0, 0))).toBe('EBADTYPE');
    }
  });
});

describe('symbolic links', () => {
  test.each([1, 100, 4095])('a target of %i bytes', async (length) => {
    const target = Buffer.alloc(length, 0xe9);
    const inode = await place.vfs.symlink(ROOT, place.vfs.root, file, { uid: 8 }, target);
    place.restart();
    const again = at(place.vfs, 'file');
    expect(again.ino).toBe(inode.ino);
    expect(place.vfs.readlink(ROOT, again)).toEqual(target);
    expect(place.vfs.attributes(again)).toMatchObject({ type: 5, size: length, mode: 0o777, uid: 8 });
  });

  test('nothing, and NUL, are no targets; what is no link has none', async () => {
    const { vfs } = place;
    expect(await codeOf(() => vfs.symlink(ROOT, vfs.root, file, {}, bytes('')))).toBe('EINVAL');
    expect(await codeOf(() => vfs.symlink(ROOT, vfs.root, file, {}, bytes('a\0b')))).toBe('EINVAL');
    expect(await codeOf(() => vfs.readlink(ROOT, vfs.root))).toBe('EINVAL');
    expect(names(vfs, vfs.root)).toEqual([]);
  });
});

/** A file system of its own. @param options of mount(8) */
function mount(type: string, options: string): string {
  const where = path.join(place.top, 'mounted');
  fs.mkdirSync(where);
  const [program = '', ...args] = [...SUDO, 'mount', '-t', type, '-o', options, type, where];
  run(program, ...args);
  return where;
}

function unmount(where: string): void {
  const [program = '', ...args] = [...SUDO, 'umount', where];
  run(program, ...args);
}

describe('a full disk', () => {
  let where: string;
  let full: Place;
  beforeEach(() => {
    where = mount('tmpfs', `size=256k,nr_inodes=40,mode=777`);
    full = makePlace({}, where);
  });
  afterEach(() => {
    full.remove();
    unmount(where);
  });

  test('of blocks: short writes, then ENOSPC; what was written is there', async () => {
    const { vfs } = full;
    const inode = await put(vfs, vfs.root, 'file');
    let offset = 0;
    let outcome = 'ok';
    while (outcome === 'ok' && offset < 10_000_000) {
      outcome = await codeOf(async () => {
        offset += await vfs.write(ROOT, inode, offset, Buffer.alloc(50_000, 'x'), 0);
      });
      vfs.begin();
    }
    expect(outcome).toBe('ENOSPC');
    expect(offset).toBeGreaterThan(100_000);
    expect(vfs.attributes(inode).size).toBe(offset);
    expect((await readAll(vfs, inode)).length).toBe(65_536);
    const before = names(vfs, vfs.root);
    expect(await codeOf(() => vfs.symlink(ROOT, vfs.root, bytes('link'), {}, Buffer.alloc(4000, 'x')))).toBe(
      'ENOSPC',
    );
    expect(names(full.vfs, full.vfs.root)).toEqual(before);
  });

  test('of files: ENOSPC, and nothing half-made', async () => {
    const { vfs } = full;
    let made = 0;
    while (
      made < 100 &&
      (await codeOf(() => put(vfs, vfs.root, `f${made}`, { uid: 7, mode: 0o4755 }))) === 'ok'
    ) {
      made += 1;
      vfs.begin();
    }
    expect(made).toBeLessThan(40);
    const codes = [];
    for (const call of [
      () => full.vfs.create(ROOT, full.vfs.root, file, { mode: 'exclusive', verifier: Buffer.alloc(8) }),
      () => full.vfs.mkdir(ROOT, full.vfs.root, file, { mode: 0o1777 }),
      () => full.vfs.symlink(ROOT, full.vfs.root, file, {}, bytes('x')),
      () => full.vfs.mknod(ROOT, full.vfs.root, file, 7, {}, 0, 0),
    ]) {
      codes.push(await codeOf(call));
    }
    expect(new Set(codes)).toEqual(new Set(['ENOSPC']));
    expect(names(full.vfs, full.vfs.root).length).toBe(made);
    for (let index = 0; index < made; index += 1) {
      expect(full.vfs.attributes(at(full.vfs, `f${index}`))).toMatchObject({ uid: 7, mode: 0o4755 });
    }
    await full.vfs.remove(ROOT, full.vfs.root, bytes('f0'));
    expect(await codeOf(() => full.vfs.mkdir(ROOT, full.vfs.root, file, {}))).toBe('ok');
  });
});

test('a read-only file system: EROFS, and reading goes on', async () => {
  const where = mount('tmpfs', 'mode=777');
  const there = makePlace({}, where);
  try {
    const { vfs } = there;
    const { root } = vfs;
    await put(vfs, root, 'file', { content: 'content' });
    await vfs.mkdir(ROOT, root, bytes('d'), {});
    there.restart();
    const [program = '', ...args] = [...SUDO, 'mount', '-o', 'remount,ro', where];
    run(program, ...args);
    const codes: Record<string, string> = {};
    const inode = () => at(there.vfs, 'file');
    for (const [name, call] of Object.entries({
      create: () => there.vfs.create(ROOT, there.vfs.root, bytes('x'), { mode: 'guarded', changes: {} }),
      mkdir: () => there.vfs.mkdir(ROOT, there.vfs.root, bytes('x'), {}),
      symlink: () => there.vfs.symlink(ROOT, there.vfs.root, bytes('x'), {}, bytes('x')),
      mknod: () => there.vfs.mknod(ROOT, there.vfs.root, bytes('x'), 7, {}, 0, 0),
      link: () => there.vfs.link(ROOT, inode(), there.vfs.root, bytes('x')),
      remove: () => there.vfs.remove(ROOT, there.vfs.root, file),
      rmdir: () => there.vfs.rmdir(ROOT, there.vfs.root, bytes('d')),
      rename: () => there.vfs.rename(ROOT, there.vfs.root, file, there.vfs.root, bytes('x')),
      write: () => there.vfs.write(ROOT, inode(), 0, bytes('x'), 0),
      truncate: () => there.vfs.setattr(ROOT, inode(), { size: 0 }),
      chmod: () => there.vfs.setattr(ROOT, inode(), { mode: 0o600 }),
      chown: () => there.vfs.setattr(ROOT, inode(), { uid: 5 }),
      'chmod of a directory': () => there.vfs.setattr(ROOT, at(there.vfs, 'd'), { mode: 0o700 }),
      times: () => there.vfs.setattr(ROOT, inode(), { mtime: 'now' }),
    })) {
      codes[name] = await codeOf(call);
    }
    expect(new Set(Object.values(codes))).toEqual(new Set(['EROFS']));
    expect(await readAll(there.vfs, inode())).toBe('content');
    expect(names(there.vfs, there.vfs.root)).toEqual(['d', 'file']);
  } finally {
    there.vfs.close();
    unmount(where);
  }
});

test('what is mounted in the tree is not exported', async () => {
  fs.mkdirSync(place.path('d'));
  fs.mkdirSync(place.path('other'));
  const [program = '', ...args] = [...SUDO, 'mount', '-t', 'tmpfs', 'tmpfs', place.path('d')];
  run(program, ...args);
  try {
    expect(await codeOf(() => at(place.vfs, 'd'))).toBe('EACCES');
    expect(place.vfs.entry(ROOT, place.vfs.root, bytes('d'))).toBeUndefined();
    expect(await codeOf(() => place.vfs.rmdir(ROOT, place.vfs.root, bytes('d')))).toBe('EACCES');
    expect(await codeOf(() => at(place.vfs, 'other'))).toBe('ok');
  } finally {
    unmount(place.path('d'));
  }
  expect(await codeOf(() => at(place.vfs, 'd'))).toBe('ok');
});
