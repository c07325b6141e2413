/** Files that change their places while a walk looks for others. */
import fs from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Search } from '../../../src/nfs/vfs/search.ts';
import { at, bytes, makePlace, type Place, patiently, ROOT } from './fixture.ts';

interface Visited {
  readonly name: string;
}
type Visit = (directory: Visited, directories: Visited[], missing: unknown) => void;

let place: Place;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => {
  vi.restoreAllMocks();
  place.remove();
});

/** @param meet comes before each directory that a walk is to visit, with the names of those before; false: it comes later */
function watchWalks(meet: (name: string, before: readonly string[]) => boolean): void {
  const walker = Search.prototype as unknown as { visit: Visit };
  const { visit } = walker;
  const before: string[] = [];
  vi.spyOn(walker, 'visit').mockImplementation(function (this: unknown, directory, directories, missing) {
    if (!meet(directory.name, before)) return void directories.unshift(directory);
    visit.call(this, directory, directories, missing);
    before.push(directory.name);
  });
}

function links(handle: Buffer): Promise<number> {
  return patiently(() => place.vfs.attributes(place.vfs.resolve(handle)).nlink);
}

test('a host moves a file to where the walk has been', async () => {
  const handles = new Map<string, Buffer>();
  for (const name of ['a', 'b', 'c']) {
    fs.mkdirSync(place.path(name));
    fs.writeFileSync(place.path(name, 'f'), '');
    handles.set(name, place.vfs.handleOf(at(place.vfs, `${name}/f`)));
  }
  place.restart();
  let moved: Promise<number> | undefined;
  watchWalks((_, before) => {
    const [, one, two] = before;
    if (one !== undefined && two !== undefined && moved === undefined) {
      fs.renameSync(place.path(two, 'f'), place.path(one, 'moved'));
      moved = links(handles.get(two) as Buffer);
    }
    return true;
  });
  expect(await links(handles.get('a') as Buffer)).toBe(1);
  expect(await moved).toBe(1);
});

test('a client moves the file that is looked for to where the walk has been', async () => {
  for (const name of ['a', 'b', 'c']) fs.mkdirSync(place.path(name));
  fs.writeFileSync(place.path('b', 'x'), '');
  fs.linkSync(place.path('b', 'x'), place.path('b', 'y'));
  fs.linkSync(place.path('b', 'x'), place.path('c', 'z'));
  const handle = place.vfs.handleOf(at(place.vfs, 'b/x'));
  for (const name of ['x', 'y']) await place.vfs.remove(ROOT, at(place.vfs, 'b'), bytes(name));
  let moved: Promise<unknown> | undefined;
  watchWalks((name, before) => {
    if (name !== 'c' || moved !== undefined) return true;
    const target = before.find((each) => each === 'a' || each === 'b');
    if (target === undefined) return false;
    moved = Promise.resolve(
      place.vfs.rename(ROOT, at(place.vfs, 'c'), bytes('z'), at(place.vfs, target), bytes('z')),
    );
    return true;
  });
  expect(await links(handle)).toBe(1);
  expect(moved).toBeDefined();
  await moved;
  expect(await links(handle)).toBe(1);
});
