/**
 * Files that were made by hand without permission for their owner, as a server that is not root meets them. Says as
 * JSON what became of each operation.
 *
 * Arguments: the account to become, a directory of its own.
 */
import fs from 'node:fs';
import path from 'node:path';
import { at, bytes, codeOf, makePlace, names, ROOT, readAll } from './fixture.ts';

const [account = '', parent = ''] = process.argv.slice(2);
// Only now: the account may be unable to read this repository.
if (process.getuid?.() === 0) {
  process.setgroups?.([]);
  process.setgid?.(Number(account));
  process.setuid?.(Number(account));
}
const place = makePlace({}, parent);
const results: Record<string, unknown> = {};
const shown = (below: string) => place.vfs.attributes(at(place.vfs, below)).mode.toString(8);

for (const mode of [0o444, 0o000, 0o400, 0o200, 0o111]) {
  const name = `f${mode.toString(8)}`;
  const add = async (step: string, call: () => unknown) => {
    results[`${name} ${step}`] = await codeOf(call);
  };
  const make = (content: string) => {
    fs.rmSync(place.path(name), { force: true });
    fs.writeFileSync(place.path(name), content);
    fs.chmodSync(place.path(name), mode);
  };
  make('content');
  results[`${name} before`] = shown(name);
  await add('read', async () => {
    if ((await readAll(place.vfs, at(place.vfs, name))) !== 'content') throw new Error(name);
  });
  make('content');
  await add('write', () => place.vfs.write(ROOT, at(place.vfs, name), 0, bytes('C'), 2));
  results[`${name} after`] = shown(name);
  place.restart();
  results[`${name} later`] = shown(name);
  make('content');
  await add('truncate', () => place.vfs.setattr(ROOT, at(place.vfs, name), { size: 1 }));
  make('content');
  await add('chown', () => place.vfs.setattr(ROOT, at(place.vfs, name), { uid: 5 }));
  results[`${name} chowned`] = shown(name);
  make('content');
  await add('touch', () => place.vfs.setattr(ROOT, at(place.vfs, name), { mtime: 'now' }));
  await add('link', () => place.vfs.link(ROOT, at(place.vfs, name), place.vfs.root, bytes(`${name}l`)));
  await add('rename', () =>
    place.vfs.rename(ROOT, place.vfs.root, bytes(name), place.vfs.root, bytes(`${name}r`)),
  );
  await add('remove', () => place.vfs.remove(ROOT, place.vfs.root, bytes(`${name}r`)));
}

for (const mode of [0o555, 0o000, 0o444, 0o666, 0o111, 0o311]) {
  const name = `d${mode.toString(8)}`;
  const add = async (step: string, call: () => unknown) => {
    results[`${name} ${step}`] = await codeOf(call);
  };
  fs.mkdirSync(place.path(name, 'sub'), { recursive: true });
  fs.writeFileSync(place.path(name, 'file'), 'content');
  const close = () => {
    place.restart();
    fs.chmodSync(place.path(name), mode);
  };
  close();
  results[`${name} before`] = shown(name);
  await add('lookup', () => at(place.vfs, `${name}/file`));
  close();
  await add('readdir', () => {
    if (names(place.vfs, at(place.vfs, name)).join() !== 'file,sub') throw new Error(name);
  });
  close();
  await add('read', () => readAll(place.vfs, at(place.vfs, `${name}/file`)));
  close();
  await add('create', () =>
    place.vfs.create(ROOT, at(place.vfs, name), bytes('new'), { mode: 'guarded', changes: { uid: 4 } }),
  );
  close();
  await add('mkdir', () => place.vfs.mkdir(ROOT, at(place.vfs, name), bytes('newd'), { mode: 0o1777 }));
  close();
  await add('symlink', () => place.vfs.symlink(ROOT, at(place.vfs, name), bytes('link'), {}, bytes('x')));
  close();
  await add('mknod', () => place.vfs.mknod(ROOT, at(place.vfs, name), bytes('fifo'), 7, {}, 0, 0));
  close();
  await add('link', () =>
    place.vfs.link(ROOT, at(place.vfs, `${name}/file`), at(place.vfs, name), bytes('hard')),
  );
  close();
  await add('rename', () => {
    const directory = at(place.vfs, name);
    return place.vfs.rename(ROOT, directory, bytes('file'), directory, bytes('moved'));
  });
  close();
  await add('remove', () => place.vfs.remove(ROOT, at(place.vfs, name), bytes('moved')));
  close();
  await add('rmdir', () => place.vfs.rmdir(ROOT, at(place.vfs, name), bytes('sub')));
  results[`${name} after`] = shown(name);
  place.restart();
  results[`${name} later`] = shown(name);
  fs.chmodSync(place.path(name), 0o700);
}
console.log(JSON.stringify(results));
for (const entry of fs.readdirSync(place.base)) fs.chmodSync(path.join(place.base, entry), 0o700);
place.remove();
