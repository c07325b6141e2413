/** Any arguments at all: each call answers, and nothing outside the export is touched. */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mkdir } from '../../../src/nfs/procedures/mkdir.ts';
import { mknod } from '../../../src/nfs/procedures/mknod.ts';
import { remove } from '../../../src/nfs/procedures/remove.ts';
import { symlink } from '../../../src/nfs/procedures/symlink.ts';
import { argumentsOf, bytes } from './arbitrary-arguments.ts';
import { at, createFile, localExport, sattr } from './local-export.ts';

const NAMES = ['a', 'b', 'c', 'file', 'dir', 'fifo', 'link', 'n'.repeat(255)];
const BAD_NAMES = ['.', '..', '', 'a/b', '../x', 'x\0', 'n'.repeat(256)];
const RUNS = 3000;
const MAX_HANDLES = 50;

interface Answer {
  readonly status?: number;
  readonly ok?: { readonly obj?: Buffer; readonly object?: Buffer };
}

/** What is beside the export: names and attributes, but for atime. */
function outside(base: string): unknown {
  return fs
    .readdirSync(base)
    .filter((name) => name !== 'root')
    .map((name) => {
      const { mode, uid, gid, size, mtimeMs, ctimeMs, nlink } = fs.lstatSync(path.join(base, name));
      return { name, mode, uid, gid, size, mtimeMs, ctimeMs, nlink };
    });
}

function text(texts: readonly string[]): fc.Arbitrary<Buffer> {
  return fc.constantFrom(...texts).map((each) => Buffer.from(each));
}

it.each([false, true])('answers, sync %s', async (sync) => {
  const { nfs, root, path: directory } = await localExport({ sync });
  const base = path.dirname(directory);
  fs.writeFileSync(path.join(base, 'secret'), 'secret');
  fs.mkdirSync(path.join(base, 'x'));
  const before = outside(base);

  const file = await createFile(nfs, root, 'file');
  const gone = await createFile(nfs, root, 'gone');
  await nfs.ok(remove, { object: at(root, 'gone') });
  const { obj: dir } = await nfs.ok(mkdir, { where: at(root, 'dir'), attributes: sattr({ mode: 0o777 }) });
  const data = { type: 7, changes: sattr(), major: 0, minor: 0 } as const;
  const { obj: fifo } = await nfs.ok(mknod, { where: at(root, 'fifo'), what: { type: 7, data } });
  const target = { symlink_attributes: sattr(), symlink_data: Buffer.from('../secret') };
  const { obj: link } = await nfs.ok(symlink, { where: at(root, 'link'), symlink: target });

  // Handles that calls give take part in the calls that follow.
  const handles = [root, file, gone, dir, fifo, link].filter((handle) => handle !== undefined);
  let learned = handles.length;
  const known = fc.nat(MAX_HANDLES - 1).map((index) => handles[index % handles.length] as Buffer);
  const forged = fc.tuple(known, fc.nat(31), fc.nat(255)).map(([handle, where, byte]) => {
    const copy = Buffer.from(handle);
    copy[where] = byte;
    return copy;
  });
  const paths = ['/', '..', base, directory, `${directory}/dir`, `${directory}/../x`, `${directory}/link`];
  const calls = argumentsOf({
    handle: fc.oneof(
      { weight: 18, arbitrary: known },
      { weight: 1, arbitrary: forged },
      { weight: 1, arbitrary: bytes(64) },
    ),
    name: fc.oneof(
      { weight: 8, arbitrary: text(NAMES) },
      { weight: 1, arbitrary: text(BAD_NAMES) },
      { weight: 1, arbitrary: bytes(300) },
    ),
    path: fc.oneof(text(paths), bytes(1024)),
  });
  const call = fc
    .constantFrom(...calls)
    .chain(([procedure, args]) => fc.tuple(fc.constant(procedure), args, fc.constantFrom(0, 1000)));

  const succeeded = new Set<string>();
  await fc.assert(
    fc.asyncProperty(call, async ([procedure, args, uid]) => {
      const answer = (await nfs.as(uid).call(procedure, args)) as Answer | undefined;
      if ((answer?.status ?? 0) === 0) succeeded.add(procedure.name);
      const found = answer?.ok?.obj ?? answer?.ok?.object;
      if (found === undefined) return;
      handles[learned % MAX_HANDLES] = Buffer.from(found);
      learned += 1;
    }),
    { numRuns: RUNS },
  );
  expect(outside(base)).toEqual(before);
  // These were real calls: of 27 kinds nearly all succeeded now and then.
  expect(succeeded.size).toBeGreaterThan(22);
});
