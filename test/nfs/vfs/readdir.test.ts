import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ALICE, at, BOB, bytes, codeOf, list, makePlace, type Place, put, ROOT } from './fixture.ts';

let place: Place;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => place.remove());

/** Lists in parts, and does something between them. */
function listInParts(size: number, between: (part: number) => void): string[] {
  const found: string[] = [];
  let cookie = 0n;
  for (let part = 0; ; part += 1) {
    const entries = list(place.vfs, place.vfs.root, cookie, size);
    const last = entries.at(-1);
    if (last === undefined) return found;
    found.push(...entries.map(({ name }) => name));
    cookie = last.cookie;
    between(part);
  }
}

describe('a directory of 100,000 entries', () => {
  test('lists each exactly once, in time that grows with their number', () => {
    const count = 100_000;
    fs.writeFileSync(place.path('0'), '');
    fs.mkdirSync(place.path('other'));
    // Links are made faster than files, 60,000 to each.
    for (let index = 1; index < count; index += 1) {
      const source = index < 60_000 ? '0' : '60000';
      if (index === 60_000) fs.writeFileSync(place.path('60000'), '');
      else fs.linkSync(place.path(source), place.path(String(index)));
    }
    const begin = performance.now();
    const found = listInParts(200, (part) => {
      if (part % 100 === 0) place.restart();
    });
    const took = performance.now() - begin;
    expect(found.length).toBe(count + 3);
    expect(new Set(found).size).toBe(count + 3);
    // 500 parts, each of them a seek.
    expect(took).toBeLessThan(5000);
  }, 60_000);
});

describe('while entries come and go', () => {
  test.each([1, 7, 100])('those that stay are there exactly once, %i at a time', async (size) => {
    const { vfs } = place;
    for (let index = 0; index < 1000; index += 1) await put(vfs, vfs.root, `stays${index}`);
    for (let index = 0; index < 1000; index += 1) await put(vfs, vfs.root, `goes${index}`);
    let going = 0;
    const found = listInParts(size, (part) => {
      for (let count = 0; count < size && going < 1000; count += 1, going += 1) {
        void place.vfs.remove(ROOT, place.vfs.root, bytes(`goes${going}`));
        fs.writeFileSync(place.path(`comes${part}-${count}`), '');
      }
    });
    const stayed = found.filter((name) => name.startsWith('stays'));
    expect(stayed.length).toBe(1000);
    expect(new Set(stayed).size).toBe(1000);
    expect(new Set(found).size).toBe(found.length);
  });

  test('a listing that removes what it lists, as `rm -r` does, leaves nothing', async () => {
    const { vfs } = place;
    for (let index = 0; index < 2000; index += 1) await put(vfs, vfs.root, `file${index}`);
    let cookie = 0n;
    for (;;) {
      const entries = list(vfs, vfs.root, cookie, 50);
      if (entries.length === 0) break;
      cookie = entries.at(-1)?.cookie ?? 0n;
      for (const { name } of entries) {
        if (name !== '.' && name !== '..') await vfs.remove(ROOT, vfs.root, bytes(name));
        vfs.begin();
      }
    }
    expect(fs.readdirSync(place.base)).toEqual([]);
  });
});

describe('cookies', () => {
  test('go on behind their entry, also after a restart', () => {
    for (let index = 0; index < 50; index += 1) fs.writeFileSync(place.path(String(index)), '');
    const all = list(place.vfs, place.vfs.root);
    for (const restarts of [false, true]) {
      if (restarts) place.restart();
      for (const [index, { cookie }] of all.entries()) {
        expect(list(place.vfs, place.vfs.root, cookie)).toEqual(all.slice(index + 1));
      }
    }
  });

  test.each([1n, 2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n])('%i, made up', async (cookie) => {
    fs.writeFileSync(place.path('file'), '');
    const outcome = await codeOf(() => list(place.vfs, place.vfs.root, cookie));
    expect(outcome).toMatch(/^(ok|EBADCOOKIE)$/);
    if (cookie >= 2n ** 63n) expect(outcome).toBe('EBADCOOKIE');
  });
});

test('fileids are those of the files, with ".." at the top that of the top', async () => {
  const { vfs } = place;
  const directory = await vfs.mkdir(ROOT, vfs.root, bytes('d'), { mode: 0o755 });
  await put(vfs, directory, 'file');
  const ids = Object.fromEntries(list(vfs, directory).map(({ name, fileid }) => [name, fileid]));
  const of = (below: string) => vfs.attributes(at(vfs, below)).fileid;
  expect(ids).toEqual({ '.': of('d'), '..': of(''), file: of('d/file') });
  const top = Object.fromEntries(list(vfs, vfs.root).map(({ name, fileid }) => [name, fileid]));
  expect(top).toEqual({ '.': of(''), '..': of(''), d: of('d') });
});

test('READDIRPLUS takes entries that vanished as nothing', async () => {
  const { vfs } = place;
  await put(vfs, vfs.root, 'file');
  const { root } = vfs;
  expect(vfs.entry(ROOT, root, bytes('.'))).toBe(root);
  expect(vfs.entry(ROOT, root, bytes('..'))).toBe(root);
  expect(vfs.entry(ROOT, root, bytes('file'))?.ino).toBe(fs.statSync(place.path('file')).ino);
  expect(vfs.entry(ROOT, root, bytes('gone'))).toBeUndefined();
});

test('needs read permission, and a directory', async () => {
  const { vfs } = place;
  const directory = await vfs.mkdir(ROOT, vfs.root, bytes('d'), { mode: 0o711, uid: 1000 });
  expect(await codeOf(() => vfs.readdir(ALICE, directory, 0n))).toBe('ok');
  expect(await codeOf(() => vfs.readdir(BOB, directory, 0n))).toBe('EACCES');
  await put(vfs, vfs.root, 'file');
  expect(await codeOf(() => vfs.readdir(ROOT, at(vfs, 'file'), 0n))).toBe('ENOTDIR');
});
