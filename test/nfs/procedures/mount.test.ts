import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { getattr } from '../../../src/nfs/procedures/getattr.ts';
import { dump, exportProcedure, mnt1, mnt3, umnt, umntall } from '../../../src/nfs/procedures/mount.ts';
import { nullProcedure } from '../../../src/nfs/procedures/null.ts';
import { handleOf, localExport } from './local-export.ts';

function text(parts: readonly Buffer[]): string[] {
  return parts.map((part) => part.toString());
}

it('NULL answers nothing', async () => {
  const { nfs } = await localExport();
  expect(await nfs.call(nullProcedure, undefined)).toBeUndefined();
});

it('MNT gives the handle of the export and of directories in it', async () => {
  const { nfs, root, path: directory } = await localExport();
  fs.mkdirSync(path.join(directory, 'a/b'), { recursive: true });
  const b = await handleOf(nfs, await handleOf(nfs, root, 'a'), 'b');
  for (const [name, handle] of [
    [directory, root],
    [`${directory}/`, root],
    [`${directory}/a/b`, b],
  ] as const) {
    expect(await nfs.call(mnt3, Buffer.from(name))).toEqual({
      status: 0,
      ok: { fhandle: handle, auth_flavors: [1, 0] },
    });
  }
});

it('MNT of version 1 gives the same handle', async () => {
  const { nfs, root, path: directory } = await localExport();
  const mounted = await nfs.call(mnt1, Buffer.from(directory));
  expect(mounted).toEqual({ status: 0, ok: root });
  expect(await nfs.status(getattr, { object: root })).toBe('NFS3_OK');
});

it.each([
  ['/', 2],
  ['', 2],
  ['root', 2],
  ['BASE', 2],
  ['BASE/other', 2],
  ['BASE/rootx', 2],
  ['BASE/root/../other', 2],
  ['BASE/root/none', 2],
  ['BASE/root/file', 20],
  ['BASE/root/link', 20],
  [`BASE/root/${'n'.repeat(300)}`, 63],
])('MNT of %s is refused', async (name, status) => {
  const { nfs, path: directory, mounts } = await localExport();
  const base = path.dirname(directory);
  fs.mkdirSync(path.join(base, 'other'));
  fs.mkdirSync(path.join(base, 'rootx'));
  fs.writeFileSync(path.join(directory, 'file'), '');
  fs.symlinkSync('/etc', path.join(directory, 'link'));
  const before = mounts.all();
  for (const procedure of [mnt3, mnt1]) {
    const answer = await nfs.call<Buffer, { status: number }>(
      procedure,
      Buffer.from(name.replace('BASE', base)),
    );
    expect(answer).toEqual({ status });
  }
  expect(mounts.all()).toEqual(before);
});

it('lists mounts until they end', async () => {
  const { nfs, path: directory } = await localExport({ client: '10.1.2.3' });
  fs.mkdirSync(path.join(directory, 'a'));
  fs.mkdirSync(path.join(directory, 'b'));
  const a = Buffer.from(`${directory}/a`);
  await nfs.call(mnt3, a);
  await nfs.call(mnt3, a);
  await nfs.call(mnt1, Buffer.from(`${directory}/b`));
  const listed = async () => {
    const mounts = await nfs.call(dump, undefined);
    expect(new Set(text(mounts.map((mount) => mount.ml_hostname)))).toEqual(
      new Set(mounts.length ? ['10.1.2.3'] : []),
    );
    return text(mounts.map((mount) => mount.ml_directory));
  };
  expect(await listed()).toEqual([directory, `${directory}/a`, `${directory}/b`]);
  await nfs.call(umnt, a);
  expect(await listed()).toEqual([directory, `${directory}/b`]);
  await nfs.call(umntall, undefined);
  expect(await listed()).toEqual([]);
});

it('UMNT and UMNTALL count only while the board is ours', async () => {
  const told: string[] = [];
  const tell = (call: string) => (client: string) => void told.push(`${call} ${client}`);
  const uses = {
    ...{ epoch: 0, see: () => {}, mount: () => true },
    ...{ unmount: tell('UMNT'), unmountAll: tell('UMNTALL') },
  };
  const { nfs, gate, mounts, path: directory } = await localExport({ client: '10.1.2.3', uses });
  const unmount = async () => {
    await nfs.call(umnt, Buffer.from(directory));
    await nfs.call(umntall, undefined);
  };
  gate.shut();
  await unmount();
  expect(told).toEqual([]);
  expect(mounts.all()).toHaveLength(1);
  gate.open();
  await unmount();
  expect(told).toEqual(['UMNT 10.1.2.3', 'UMNTALL 10.1.2.3']);
  expect(mounts.all()).toEqual([]);
});

it('EXPORT tells the directory and who may mount it', async () => {
  const { nfs, path: directory } = await localExport({ allowed: ['10.0.0.0/8', 'board.example', '::1'] });
  const [exported, ...others] = await nfs.call(exportProcedure, undefined);
  expect(others).toEqual([]);
  expect(exported?.ex_dir.toString()).toBe(directory);
  expect(text(exported?.ex_groups ?? [])).toEqual(['10.0.0.0/8', 'board.example', '::1']);
});
