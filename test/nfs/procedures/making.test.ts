import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { create } from '../../../src/nfs/procedures/create.ts';
import { getattr } from '../../../src/nfs/procedures/getattr.ts';
import { mkdir } from '../../../src/nfs/procedures/mkdir.ts';
import { mknod } from '../../../src/nfs/procedures/mknod.ts';
import { symlink } from '../../../src/nfs/procedures/symlink.ts';
import type { FileType } from '../../../src/rootfs/file-type.ts';
import { at, createFile, handleOf, localExport, sattr } from './local-export.ts';

const UNCHECKED = 0;
const GUARDED = 1;
const EXCLUSIVE = 2;

const attributes = sattr({ mode: 0o750 });
const special = (type: FileType) => ({ type, data: { type, changes: attributes, major: 4, minor: 5 } });

describe.each([false, true])('with sync %s', (sync) => {
  it('CREATE tells everything of the new file and its directory', async () => {
    const { nfs, root, path: directory } = await localExport({ sync });
    const { obj_attributes: before } = await nfs.ok(getattr, { object: root });
    const how = { kind: UNCHECKED, value: sattr({ mode: 0o4711, uid: 5, gid: 6 }) } as const;
    const made = await nfs.ok(create, { where: at(root, 'file'), how });
    expect(made.obj_attributes).toMatchObject({ type: 1, mode: 0o4711, uid: 5, gid: 6, size: 0, nlink: 1 });
    const { obj_attributes: later } = await nfs.ok(getattr, { object: made.obj as Buffer });
    expect(made.obj_attributes).toEqual(later);
    expect(made.dir_wcc.before?.ctime).toEqual(before.ctime);
    expect(made.dir_wcc.after).toEqual((await nfs.ok(getattr, { object: root })).obj_attributes);
    expect(made.dir_wcc.after?.mtime).not.toEqual(before.mtime);
    expect(fs.readdirSync(directory)).toEqual(['file']);
  });

  it('MKDIR', async () => {
    const { nfs, root } = await localExport({ sync });
    const made = await nfs.ok(mkdir, { where: at(root, 'd'), attributes: sattr({ mode: 0o1777 }) });
    expect(made.obj_attributes).toMatchObject({ type: 2, mode: 0o1777, uid: 0 });
    expect(made.dir_wcc.after?.nlink).toBe(3);
  });

  it('SYMLINK', async () => {
    const { nfs, root } = await localExport({ sync });
    const data = { symlink_attributes: sattr(), symlink_data: Buffer.from('x') };
    const where = at(root, 's');
    expect(await nfs.as(3).status(symlink, { where, symlink: data })).toBe('NFS3ERR_ACCES');
    const { obj_attributes } = await nfs.ok(symlink, { where, symlink: data });
    expect(obj_attributes).toMatchObject({ type: 5, uid: 0, gid: 0, size: 1 });
  });

  it.each([3, 4, 6, 7] as const)('MKNOD of type %i', async (type) => {
    const { nfs, root } = await localExport({ sync });
    const device = type === 3 || type === 4 ? { major: 0xfff, minor: 0xfffff } : { major: 0, minor: 0 };
    const data = { type, changes: sattr({ mode: 0o620, gid: 9 }), ...device };
    const { obj_attributes } = await nfs.ok(mknod, { where: at(root, 'n'), what: { type, data } });
    expect(obj_attributes).toMatchObject({ type, mode: 0o620, gid: 9, nlink: 1, ...device });
  });
});

it('everything is made with the times that it is given', async () => {
  const { nfs, root } = await localExport();
  const times = { atime: { seconds: 5, nanoseconds: 6 }, mtime: { seconds: 7, nanoseconds: 8 } };
  const changes = sattr({ mode: 0o700, uid: 3, gid: 4, ...times });
  const link = { symlink_attributes: changes, symlink_data: Buffer.from('x') };
  const fifo = { type: 7, data: { type: 7, changes, major: 0, minor: 0 } } as const;
  const made = [
    await nfs.ok(create, { where: at(root, 'c'), how: { kind: GUARDED, value: changes } }),
    await nfs.ok(mkdir, { where: at(root, 'd'), attributes: changes }),
    await nfs.ok(symlink, { where: at(root, 's'), symlink: link }),
    await nfs.ok(mknod, { where: at(root, 'n'), what: fifo }),
  ];
  for (const { obj_attributes } of made) expect(obj_attributes).toMatchObject({ uid: 3, gid: 4, ...times });
});

describe('CREATE', () => {
  it('unchecked takes a file that is there, and cuts it', async () => {
    const { nfs, root, path: directory } = await localExport();
    fs.writeFileSync(path.join(directory, 'file'), 'content');
    const where = at(root, 'file');
    const keep = await nfs.ok(create, { where, how: { kind: UNCHECKED, value: sattr({ mode: 0o600 }) } });
    expect(keep.obj_attributes?.size).toBe(7);
    const cut = await nfs.ok(create, { where, how: { kind: UNCHECKED, value: sattr({ size: 0 }) } });
    expect(cut.obj_attributes?.size).toBe(0);
    expect(cut.obj).toEqual(keep.obj);
  });

  it('guarded does not', async () => {
    const { nfs, root } = await localExport();
    await createFile(nfs, root, 'file');
    const args = { where: at(root, 'file'), how: { kind: GUARDED, value: sattr() } } as const;
    expect(await nfs.status(create, args)).toBe('NFS3ERR_EXIST');
    const { dir_wcc } = await nfs.fail(create, args);
    expect(dir_wcc.before?.ctime).toEqual(dir_wcc.after?.ctime);
  });

  it('exclusive answers the same to the same verifier', async () => {
    const { nfs, root } = await localExport();
    const where = at(root, 'file');
    const how = { kind: EXCLUSIVE, value: Buffer.from('\xff1234567', 'latin1') } as const;
    const first = await nfs.ok(create, { where, how });
    expect((await nfs.ok(create, { where, how })).obj).toEqual(first.obj);
    const other = { kind: EXCLUSIVE, value: Buffer.from('abcdefgh') } as const;
    expect(await nfs.status(create, { where, how: other })).toBe('NFS3ERR_EXIST');
  });
});

it('MKNOD refuses what is no special file', async () => {
  const { nfs, root, path: directory } = await localExport();
  for (const type of [0, 1, 2, 5, 8, 99]) {
    expect(await nfs.status(mknod, { where: at(root, 'n'), what: { type } })).toBe('NFS3ERR_BADTYPE');
  }
  expect(fs.readdirSync(directory)).toEqual([]);
});

describe.each([
  ['.', 'NFS3ERR_EXIST'],
  ['..', 'NFS3ERR_EXIST'],
  ['', 'NFS3ERR_ACCES'],
  ['a/b', 'NFS3ERR_ACCES'],
  ['/tmp/x', 'NFS3ERR_ACCES'],
  ['x\0y', 'NFS3ERR_ACCES'],
  ['n'.repeat(256), 'NFS3ERR_NAMETOOLONG'],
  ['there', 'NFS3ERR_EXIST'],
])('the name %j', (name, status) => {
  it('cannot be made', async () => {
    const { nfs, root, path: directory } = await localExport();
    await createFile(nfs, root, 'there');
    const where = at(root, name);
    expect(await nfs.status(create, { where, how: { kind: GUARDED, value: attributes } })).toBe(status);
    expect(await nfs.status(create, { where, how: { kind: EXCLUSIVE, value: Buffer.alloc(8, 1) } })).toBe(
      status,
    );
    expect(await nfs.status(mkdir, { where, attributes })).toBe(status);
    const link = { symlink_attributes: attributes, symlink_data: Buffer.from('x') };
    expect(await nfs.status(symlink, { where, symlink: link })).toBe(status);
    expect(await nfs.status(mknod, { where, what: special(7) })).toBe(status);
    expect(fs.readdirSync(directory)).toEqual(['there']);
  });
});

it.each([0, 4096, 5000])('SYMLINK refuses a target of %i bytes', async (length) => {
  const { nfs, root } = await localExport();
  const data = { symlink_attributes: sattr(), symlink_data: Buffer.alloc(length, 'x') };
  const status = await nfs.status(symlink, { where: at(root, 's'), symlink: data });
  expect(['NFS3ERR_NAMETOOLONG', 'NFS3ERR_INVAL']).toContain(status);
});

it('nothing is made in a file', async () => {
  const { nfs, root, path: directory } = await localExport();
  fs.writeFileSync(path.join(directory, 'file'), '');
  const where = at(await handleOf(nfs, root, 'file'), 'x');
  const symlinkdata = { symlink_attributes: attributes, symlink_data: Buffer.from('x') };
  const exclusive = { kind: EXCLUSIVE, value: Buffer.alloc(8) } as const;
  expect(await nfs.status(mkdir, { where, attributes })).toBe('NFS3ERR_NOTDIR');
  expect(await nfs.status(symlink, { where, symlink: symlinkdata })).toBe('NFS3ERR_NOTDIR');
  expect(await nfs.status(mknod, { where, what: special(7) })).toBe('NFS3ERR_NOTDIR');
  expect(await nfs.status(create, { where, how: exclusive })).toBe('NFS3ERR_NOTDIR');
  expect(await nfs.status(create, { where, how: { kind: UNCHECKED, value: attributes } })).toBe(
    'NFS3ERR_NOTDIR',
  );
});
