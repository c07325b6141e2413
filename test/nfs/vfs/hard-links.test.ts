/** Files with many names: what finding another name costs when one goes, in entries read, and that it is found. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest';
import { Search } from '../../../src/nfs/vfs/search.ts';
import { Listing } from '../../../src/system/listing.ts';
import { at, bytes, codeOf, list, makePlace, type Place, patiently, ROOT } from './fixture.ts';

let place: Place;
let entries: MockInstance;
let walks: MockInstance;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => {
  vi.restoreAllMocks();
  place.remove();
});

/** Makes a file with these names; the server that is asked afterwards has seen none of them. */
function makeFile(names: readonly string[]): Buffer {
  const [first = '', ...others] = names;
  fs.writeFileSync(place.path(first), 'content');
  for (const name of others) fs.linkSync(place.path(first), place.path(name));
  const handle = place.vfs.handleOf(at(place.vfs, first));
  place.restart();
  return handle;
}

function count(): void {
  entries = vi.spyOn(Listing.prototype, 'next');
  walks = vi.spyOn(Search.prototype, 'run');
}

/** A GETATTR of a client that has the handle: how many names the file has. */
async function nlink(handle: Buffer): Promise<number> {
  return await patiently(() => place.vfs.attributes(place.vfs.resolve(handle)).nlink);
}

async function remove(below: string): Promise<void> {
  const { dir, base } = path.parse(below);
  await patiently(() => {
    const { vfs } = place;
    return vfs.remove(ROOT, at(vfs, dir), bytes(base));
  });
}

type Order = (names: string[]) => string[];
const ORDERS: [string, Order][] = [
  ['as listed', (names) => names],
  ['the other way round', (names) => names.toReversed()],
  ['by name', (names) => names.toSorted()],
];

describe.each(ORDERS)('names in one directory that go %s', (_, ordered) => {
  test.each([false, true])('each looked up: %s', async (isLookedUp) => {
    const number = 3000;
    fs.mkdirSync(place.path('big'));
    const handle = makeFile(Array.from({ length: number }, (_, index) => `big/link-${index}`));
    const listed = list(place.vfs, at(place.vfs, 'big')).map(({ name }) => name);
    const names = ordered(listed.filter((name) => !name.startsWith('.')));
    count();
    let left = number;
    for (const name of names) {
      expect(await nlink(handle)).toBe(left);
      if (isLookedUp) at(place.vfs, `big/${name}`);
      await remove(`big/${name}`);
      left -= 1;
    }
    expect(await codeOf(() => nlink(handle))).toBe('ESTALE');
    // By name is any order to the disk: then about as many entries as there are names are read on average.
    expect(entries.mock.calls.length).toBeLessThan(10 * number);
    expect(walks.mock.calls.length).toBeLessThanOrEqual(1);
  });
});

test('names that are renamed into another directory, and back', async () => {
  fs.mkdirSync(place.path('from'));
  fs.mkdirSync(place.path('to'));
  const names = Array.from({ length: 1000 }, (_, index) => `link-${index}`);
  const handle = makeFile(names.map((name) => `from/${name}`));
  await nlink(handle);
  count();
  for (const [from, to] of ['from to', 'to from'].map((words) => words.split(' ') as [string, string])) {
    for (const name of names) {
      const { vfs } = place;
      await vfs.rename(ROOT, at(vfs, from), bytes(name), at(vfs, to), bytes(name));
      expect(await nlink(handle)).toBe(1000);
    }
  }
  expect(entries).not.toHaveBeenCalled();
});

test('other files that take the places of all names', async () => {
  const names = Array.from({ length: 300 }, (_, index) => `link-${index}`);
  const handle = makeFile(names);
  count();
  for (const [index, name] of names.entries()) {
    expect(await nlink(handle)).toBe(300 - index);
    fs.writeFileSync(place.path('new'), 'new');
    const { vfs } = place;
    await vfs.rename(ROOT, vfs.root, bytes('new'), vfs.root, bytes(name));
  }
  expect(await codeOf(() => nlink(handle))).toBe('ESTALE');
  // The directory stays as large as it was.
  expect(entries.mock.calls.length).toBeLessThan(40 * 300);
  expect(walks.mock.calls.length).toBeLessThanOrEqual(1);
});

test.each(ORDERS.slice(0, 2))('names in 300 directories that go %s', async (_, ordered) => {
  const directories = Array.from({ length: 300 }, (_, index) => `d${index}`);
  for (const directory of directories) fs.mkdirSync(place.path(directory));
  const handle = makeFile(directories.map((directory) => `${directory}/link`));
  const listed = list(place.vfs, place.vfs.root).map(({ name }) => name);
  const names = ordered(listed.filter((name) => !name.startsWith('.')));
  count();
  for (const [index, name] of names.entries()) {
    expect(await nlink(handle)).toBe(300 - index);
    await remove(`${name}/link`);
  }
  expect(await codeOf(() => nlink(handle))).toBe('ESTALE');
  expect(walks.mock.calls.length).toBeLessThanOrEqual(4);
});

test('a tree of links to the files of another one goes: one walk finds all of these', async () => {
  const files = Array.from({ length: 1000 }, (_, index) => `${index % 20}/${index}`);
  for (const tree of ['a', 'b']) {
    for (let index = 0; index < 20; index += 1) fs.mkdirSync(place.path(`${tree}${index}`));
  }
  for (const file of files) {
    fs.writeFileSync(place.path(`a${file}`), '');
    fs.linkSync(place.path(`a${file}`), place.path(`b${file}`));
  }
  const handles = files.map((file) => place.vfs.handleOf(at(place.vfs, `a${file}`)));
  place.restart();
  for (const file of files) await remove(`b${file}`);
  count();
  for (const handle of handles) expect(await nlink(handle)).toBe(1);
  expect(walks.mock.calls.length).toBeLessThanOrEqual(2);
  expect(entries.mock.calls.length).toBeLessThan(10 * files.length);
});

describe('with another program at it', () => {
  /** Has memory know `p` and `q` of `p`, `q` and `r`, `q` being the place. */
  async function begin(): Promise<Buffer> {
    fs.mkdirSync(place.path('directory'));
    const handle = makeFile(['p', 'q', 'r']);
    for (const name of ['p', 'q']) at(place.vfs, name);
    return handle;
  }

  test('the other name that memory has is gone', async () => {
    const handle = await begin();
    fs.unlinkSync(place.path('p'));
    await remove('q');
    expect(await nlink(handle)).toBe(1);
  });

  test('the name that is left is in another directory', async () => {
    const handle = await begin();
    await remove('q');
    await remove('p');
    fs.renameSync(place.path('r'), place.path('directory/r'));
    expect(await nlink(handle)).toBe(1);
  });

  test('the directory of the names is gone, too', async () => {
    fs.mkdirSync(place.path('directory'));
    const handle = makeFile(['directory/p', 'r']);
    await remove('directory/p');
    fs.rmdirSync(place.path('directory'));
    expect(await nlink(handle)).toBe(1);
  });

  test('no name is left, or one of another file with its inode number', async () => {
    const handle = await begin();
    await remove('q');
    await remove('p');
    fs.unlinkSync(place.path('r'));
    for (let index = 0; index < 10; index += 1) fs.writeFileSync(place.path(`new-${index}`), '');
    expect(await codeOf(() => nlink(handle))).toBe('ESTALE');
  });
});

test('with room for few names', async () => {
  place.restart({ maxFiles: 16 });
  const files = Array.from({ length: 300 }, (_, index) => String(index));
  fs.mkdirSync(place.path('links'));
  const handles = files.map((file) => {
    fs.writeFileSync(place.path(file), '');
    fs.linkSync(place.path(file), place.path(`links/${file}`));
    return place.vfs.handleOf(at(place.vfs, file));
  });
  for (const file of files) await remove(`links/${file}`);
  for (const handle of handles) expect(await nlink(handle)).toBe(1);
});
