import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Changes, Credentials } from '../../../src/nfs/vfs/attributes.ts';
import type { Inode } from '../../../src/nfs/vfs/vfs.ts';
import { ALICE, at, BOB, bytes, codeOf, makePlace, type Place, put, ROOT, run, user } from './fixture.ts';

let place: Place;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => place.remove());

/** A file of Alice's in group 50. */
async function file(mode: number, uid = 1000, gid = 50): Promise<Inode> {
  return await put(place.vfs, place.vfs.root, `f${mode}`, { mode, uid, gid, content: 'content' });
}

async function set(caller: Credentials, inode: Inode, changes: Changes): Promise<string> {
  return await codeOf(() => place.vfs.setattr(caller, inode, changes));
}

const FRIEND = user(3000, 50);
const time = { seconds: 1_000_000_000, nanoseconds: 123_456_789 };

describe('who may', () => {
  test.each([
    ['chmod', { mode: 0o600 }, ['ok', 'ok', 'EPERM', 'EPERM']],
    ['chown', { uid: 2000 }, ['ok', 'EPERM', 'EPERM', 'EPERM']],
    ['chown to the same', { uid: 1000 }, ['ok', 'ok', 'EPERM', 'EPERM']],
    ['chgrp to a group of the caller', { gid: 1000 }, ['ok', 'ok', 'EPERM', 'EPERM']],
    ['chgrp to another group', { gid: 7 }, ['ok', 'EPERM', 'EPERM', 'EPERM']],
    ['truncate', { size: 1 }, ['ok', 'ok', 'ok', 'EACCES']],
    ['touch', { atime: 'now', mtime: 'now' }, ['ok', 'ok', 'ok', 'EACCES']],
    ['touch one', { mtime: 'now' }, ['ok', 'ok', 'ok', 'EACCES']],
    ['set a time', { mtime: time }, ['ok', 'ok', 'EPERM', 'EPERM']],
    ['set one time and touch the other', { atime: 'now', mtime: time }, ['ok', 'ok', 'EPERM', 'EPERM']],
  ] as [string, Changes, string[]][])(
    '%s: root, owner, member with write permission, other',
    async (_, changes, codes) => {
      const inode = await file(0o664);
      // The owner last: what it gave away it lacks then.
      const callers = [ROOT, ALICE, FRIEND, BOB];
      const outcomes = [];
      for (const caller of callers.toReversed()) {
        outcomes.unshift(await set(caller, inode, changes));
      }
      expect(outcomes).toEqual(codes);
    },
  );

  test('the owner truncates a file without write permission', async () => {
    expect(await set(ALICE, await file(0o444), { size: 0 })).toBe('ok');
  });
});

describe('set-id bits', () => {
  const modeOf = (inode: Inode) => place.vfs.attributes(inode).mode.toString(8);

  test('go with the owner', async () => {
    const inode = await file(0o6755);
    await set(ROOT, inode, { uid: 7 });
    expect(modeOf(inode)).toBe('755');
  });

  test('go with the group, but for mandatory locking', async () => {
    const [program, locked] = [await file(0o6755), await file(0o2644)];
    await set(ALICE, program, { gid: 1000 });
    await set(ALICE, locked, { gid: 1000 });
    expect([modeOf(program), modeOf(locked)]).toEqual(['755', '2644']);
  });

  test('go when somebody writes, not when root does', async () => {
    const inode = await file(0o6777);
    await place.vfs.write(ROOT, inode, 0, bytes('x'), 0);
    expect(modeOf(inode)).toBe('6777');
    await place.vfs.write(BOB, inode, 0, bytes('x'), 0);
    expect(modeOf(inode)).toBe('777');
    await set(ROOT, inode, { mode: 0o4777 });
    await set(BOB, inode, { size: 0 });
    expect(modeOf(inode)).toBe('777');
  });

  test('setgid is for members of the group only', async () => {
    const inode = await file(0o644, 1000, 77);
    await set(ALICE, inode, { mode: 0o2755 });
    expect(modeOf(inode)).toBe('755');
    const directory = await place.vfs.mkdir(ROOT, place.vfs.root, bytes('d'), {
      mode: 0o755,
      uid: 1000,
      gid: 77,
    });
    await set(ALICE, directory, { mode: 0o2775 });
    expect(modeOf(directory)).toBe('775');
    await set(ROOT, directory, { mode: 0o2775 });
    expect(modeOf(directory)).toBe('2775');
  });

  test('are never on the real file', async () => {
    await set(ROOT, await file(0o6755), { mode: 0o7777 });
    expect(fs.statSync(place.path(`f${0o6755}`)).mode & 0o7777).toBe(0o777);
  });
});

describe('setgid directories', () => {
  test('give their group, directories the bit too', async () => {
    const { vfs } = place;
    const above = await vfs.mkdir(ROOT, vfs.root, bytes('d'), { mode: 0o777, gid: 50 });
    await set(ROOT, above, { mode: 0o2777 });
    const made = await vfs.create(BOB, above, bytes('f'), { mode: 'guarded', changes: { mode: 0o2755 } });
    expect(vfs.attributes(made)).toMatchObject({ uid: 2000, gid: 50, mode: 0o755 });
    const below = await vfs.mkdir(BOB, above, bytes('d'), { mode: 0o700 });
    expect(vfs.attributes(below)).toMatchObject({ uid: 2000, gid: 50, mode: 0o2700 });
  });
});

describe('times', () => {
  test.each([
    [{ seconds: 0, nanoseconds: 1 }],
    [{ seconds: 2 ** 31 - 1, nanoseconds: 999_999_999 }],
    [{ seconds: 2 ** 32 - 1, nanoseconds: 0 }],
  ])('%j to the nanosecond, on every kind of file, the base included', async (moment) => {
    const { vfs } = place;
    await put(vfs, vfs.root, 'file');
    await put(vfs, vfs.root, 'closed');
    await vfs.mkdir(ROOT, vfs.root, bytes('d'), { mode: 0o755 });
    await vfs.symlink(ROOT, vfs.root, bytes('link'), {}, bytes('nowhere'));
    await vfs.mknod(ROOT, vfs.root, bytes('fifo'), 7, {}, 0, 0);
    fs.symlinkSync('nowhere', place.path('real link'));
    fs.mkdirSync(place.path('real'));
    for (const name of ['file', 'closed', 'd', 'link', 'fifo', 'real link', 'real', '']) {
      const inode = at(place.vfs, name);
      void place.vfs.setattr(ROOT, inode, { atime: moment, mtime: moment });
      place.vfs.begin();
      expect(place.vfs.attributes(inode)).toMatchObject({ atime: moment, mtime: moment });
    }
  });

  test('one alone leaves the other', async () => {
    const inode = await file(0o644);
    await set(ALICE, inode, { atime: time, mtime: time });
    await set(ALICE, inode, { atime: { seconds: 5, nanoseconds: 6 } });
    expect(place.vfs.attributes(inode)).toMatchObject({ atime: { seconds: 5, nanoseconds: 6 }, mtime: time });
  });

  test('are those of the file that the handle means, whatever others did to its name', async () => {
    const inode = await file(0o644);
    const name = `f${0o644}`;
    fs.renameSync(place.path(name), place.path('moved'));
    fs.writeFileSync(place.path(name), 'another');
    const before = fs.statSync(place.path(name)).mtimeMs;
    await set(ALICE, inode, { mtime: time });
    expect(fs.statSync(place.path('moved')).mtimeMs).toBeCloseTo(1e12 + 123.456789, 2);
    expect(fs.statSync(place.path(name)).mtimeMs).toBe(before);
  });

  test('ctime moves with every change', async () => {
    const inode = await file(0o644);
    for (const changes of [{ mode: 0o600 }, { gid: 1000 }, { size: 3 }, { mtime: time }, { atime: time }]) {
      const before = place.vfs.attributes(inode).ctime;
      await new Promise((resolve) => setTimeout(resolve, 12));
      expect(await set(ALICE, inode, changes)).toBe('ok');
      expect(place.vfs.attributes(inode).ctime).not.toEqual(before);
    }
  });
});

test('a guard that is not the ctime stops it all', async () => {
  const inode = await file(0o644);
  const { ctime } = place.vfs.attributes(inode);
  const guarded = (guard: typeof ctime) =>
    codeOf(() => place.vfs.setattr(ALICE, inode, { mode: 0o600 }, guard));
  expect(await guarded({ ...ctime, nanoseconds: (ctime.nanoseconds + 1) % 1e9 })).toBe('ENOTSYNC');
  expect(place.vfs.attributes(inode).mode).toBe(0o644);
  expect(await guarded(ctime)).toBe('ok');
  expect(place.vfs.attributes(inode).mode).toBe(0o600);
});

test('nothing is done of what is allowed in part', async () => {
  const inode = await file(0o666);
  expect(await set(BOB, inode, { size: 0, mode: 0o777 })).toBe('EPERM');
  expect(await set(ALICE, inode, { mode: 0o600, uid: 7 })).toBe('EPERM');
  expect(place.vfs.attributes(inode)).toMatchObject({ size: 7, mode: 0o666 });
});

test.each([
  ['directory', 'EISDIR'],
  ['link', 'EINVAL'],
  ['fifo', 'EINVAL'],
])('the size of a %s: %s', async (name, code) => {
  const { vfs } = place;
  await vfs.mkdir(ROOT, vfs.root, bytes('directory'), {});
  await vfs.symlink(ROOT, vfs.root, bytes('link'), {}, bytes('target'));
  await vfs.mknod(ROOT, vfs.root, bytes('fifo'), 7, {}, 0, 0);
  expect(await set(ROOT, at(vfs, name), { size: 0 })).toBe(code);
  expect(await codeOf(() => place.vfs.read(ROOT, at(place.vfs, name), 0, 10))).toBe(code);
  expect(await codeOf(() => place.vfs.write(ROOT, at(place.vfs, name), 0, bytes('x'), 0))).toBe(code);
  expect(await codeOf(() => place.vfs.commit(ROOT, at(place.vfs, name)))).toBe(code);
});

test('with sync every change waits for the disk', async () => {
  place.restart({ sync: true });
  const { vfs } = place;
  const directory = await vfs.mkdir(ROOT, vfs.root, bytes('d'), { mode: 0o755 });
  const inode = await put(vfs, directory, 'f', { content: 'x' });
  place.restart({ sync: true });
  for (const name of ['d', 'd/f']) {
    await place.vfs.setattr(ROOT, at(place.vfs, name), { mtime: time });
    await place.vfs.setattr(ROOT, at(place.vfs, name), { mode: 0o700 });
  }
  expect(inode.ino).toBe(at(place.vfs, 'd/f').ino);
  await place.vfs.rename(ROOT, at(place.vfs, 'd'), bytes('f'), place.vfs.root, bytes('f'));
  await place.vfs.remove(ROOT, place.vfs.root, bytes('f'));
  await place.vfs.rmdir(ROOT, place.vfs.root, bytes('d'));
});

describe('a program with capabilities loses them', () => {
  const CAPABILITY = 'user.rsync.security.capability';
  const names = (name: string) => run('getfattr', '-m', '-', '--absolute-names', place.path(name));

  test.each([
    ['when it is written', (inode: Inode) => place.vfs.write(ROOT, inode, 0, bytes('x'), 0)],
    ['when it is cut', (inode: Inode) => place.vfs.setattr(ROOT, inode, { size: 3 })],
    ['when it is given away', (inode: Inode) => place.vfs.setattr(ROOT, inode, { uid: 5 })],
    ['when its group changes', (inode: Inode) => place.vfs.setattr(ROOT, inode, { gid: 5 })],
  ])('%s', async (_, change) => {
    const inode = await file(0o755);
    run('setfattr', '-n', CAPABILITY, '-v', '0x0100000200200000', place.path('f493'));
    place.vfs.begin();
    await place.vfs.setattr(ROOT, inode, { mode: 0o711, mtime: time });
    expect(names('f493')).toContain(CAPABILITY);
    await change(at(place.vfs, 'f493'));
    expect(names('f493')).not.toContain(CAPABILITY);
    await change(at(place.vfs, 'f493'));
  });
});

test('chmod changes the mask of an access ACL, as acl(5) has it', async () => {
  const acl = (group: number, mask: number) => {
    const words = [0x80, group, mask, 0x80, 1000, 0x8000_0007];
    return `0x${words
      .map((word) =>
        word
          .toString(16)
          .padStart(8, '0')
          .replace(/(..)(..)(..)(..)/, '$4$3$2$1'),
      )
      .join('')}`;
  };
  const stored = () =>
    run('getfattr', '-e', 'hex', '-n', 'user.rsync.%aacl', '--absolute-names', place.path('f436'));
  const inode = await file(0o664);
  run('setfattr', '-n', 'user.rsync.%aacl', '-v', acl(0x80, 6), place.path('f436'));
  place.vfs.begin();
  await place.vfs.setattr(ROOT, inode, { mode: 0o640 });
  expect(stored()).toContain(acl(6, 4));
});
