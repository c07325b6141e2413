import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { access } from '../../../src/nfs/procedures/access.ts';
import { getattr } from '../../../src/nfs/procedures/getattr.ts';
import { lookup } from '../../../src/nfs/procedures/lookup.ts';
import { setattr } from '../../../src/nfs/procedures/setattr.ts';
import { XdrError } from '../../../src/nfs/wire/xdr-error.ts';
import { at, createFile, localExport, sattr } from './local-export.ts';

const NOBODY = Buffer.alloc(32, 7);

describe('GETATTR', () => {
  it('tells what the file system tells, with nanoseconds', async () => {
    const { nfs, root, path: directory } = await localExport();
    const file = path.join(directory, 'file');
    fs.writeFileSync(file, 'content');
    const { object } = await nfs.ok(lookup, { what: at(root, 'file') });
    const { obj_attributes } = await nfs.ok(getattr, { object });
    const stat = fs.statSync(file, { bigint: true });
    expect(obj_attributes).toMatchObject({
      type: 1,
      mode: Number(stat.mode) & 0o7777,
      nlink: 1,
      size: 7,
      used: Number(stat.blocks) * 512,
      fileid: Number(stat.ino),
      mtime: {
        seconds: Number(stat.mtimeNs / 1_000_000_000n),
        nanoseconds: Number(stat.mtimeNs % 1_000_000_000n),
      },
      ctime: {
        seconds: Number(stat.ctimeNs / 1_000_000_000n),
        nanoseconds: Number(stat.ctimeNs % 1_000_000_000n),
      },
    });
  });

  it('refuses handles that are none, and those of files that are gone', async () => {
    const { nfs, root, path: directory } = await localExport();
    for (const object of [Buffer.alloc(0), Buffer.from('x'), Buffer.alloc(64)]) {
      expect(await nfs.status(getattr, { object })).toBe('NFS3ERR_BADHANDLE');
    }
    const object = await createFile(nfs, root, 'file');
    fs.unlinkSync(path.join(directory, 'file'));
    expect(await nfs.status(getattr, { object })).toBe('NFS3ERR_STALE');
    expect(['NFS3ERR_BADHANDLE', 'NFS3ERR_STALE']).toContain(await nfs.status(getattr, { object: NOBODY }));
  });
});

describe('SETATTR', () => {
  it('sets all, and tells the attributes before and after', async () => {
    const { nfs, root } = await localExport();
    const object = await createFile(nfs, root, 'file');
    const before = (await nfs.ok(getattr, { object })).obj_attributes;
    const atime = { seconds: 1_000_000_000, nanoseconds: 123_456_789 };
    const mtime = { seconds: 4_000_000_000, nanoseconds: 1 };
    const changes = { mode: 0o600, uid: 1000, gid: 1001, size: 10, atime, mtime };
    const { obj_wcc } = await nfs.ok(setattr, { object, new_attributes: sattr(changes), guard: undefined });
    const { size, ctime } = before;
    expect(obj_wcc.before).toEqual({ size, ctime, mtime: before.mtime });
    expect(obj_wcc.after).toMatchObject(changes);
    expect(obj_wcc.after).toEqual((await nfs.ok(getattr, { object })).obj_attributes);
  });

  it('heeds the guard', async () => {
    const { nfs, root } = await localExport();
    const object = await createFile(nfs, root, 'file');
    const { ctime } = (await nfs.ok(getattr, { object })).obj_attributes;
    const new_attributes = sattr({ mode: 0o600 });
    const wrong = { ...ctime, nanoseconds: ctime.nanoseconds ^ 1 };
    expect(await nfs.status(setattr, { object, new_attributes, guard: wrong })).toBe('NFS3ERR_NOT_SYNC');
    expect(await nfs.status(setattr, { object, new_attributes, guard: ctime })).toBe('NFS3_OK');
    expect(await nfs.status(setattr, { object, new_attributes, guard: ctime })).toBe('NFS3ERR_NOT_SYNC');
  });

  it('tells both attributes when it is refused', async () => {
    const { nfs, root } = await localExport();
    const object = await createFile(nfs, root, 'file');
    const args = { object, new_attributes: sattr({ uid: 5 }), guard: undefined };
    expect(await nfs.as(5).status(setattr, args)).toBe('NFS3ERR_PERM');
    const { obj_wcc } = await nfs.as(5).fail(setattr, args);
    expect(obj_wcc.before?.ctime).toEqual(obj_wcc.after?.ctime);
    expect(obj_wcc.after?.uid).toBe(0);
  });

  // 0x3ffffffe and 0x3fffffff mean something else to utimensat(2).
  it.each([1_000_000_000, 0x3fff_fffe, 0x3fff_ffff, 0xffff_ffff])(
    'cannot be read with %i nanoseconds',
    async (nanoseconds) => {
      const { nfs, root } = await localExport();
      const new_attributes = sattr({ mtime: { seconds: 1, nanoseconds } });
      await expect(nfs.call(setattr, { object: root, new_attributes, guard: undefined })).rejects.toThrow(
        XdrError,
      );
    },
  );

  it('refuses a size that no file can have', async () => {
    const { nfs, root } = await localExport();
    const object = await createFile(nfs, root, 'file');
    const new_attributes = sattr({ size: 2 ** 63 });
    expect(await nfs.status(setattr, { object, new_attributes, guard: undefined })).toBe('NFS3ERR_FBIG');
  });
});

describe('ACCESS', () => {
  it('answers for the caller, and only what was asked for', async () => {
    const { nfs, root } = await localExport();
    const object = await createFile(nfs, root, 'file', { mode: 0o640, uid: 7, gid: 8 });
    const asked = async (uid: number, gid: number, wanted: number) =>
      (await nfs.as(uid, gid).ok(access, { object, access: wanted })).access;
    expect(await asked(7, 7, 0x3f)).toBe(0x01 | 0x04 | 0x08);
    expect(await asked(9, 8, 0x3f)).toBe(0x01);
    expect(await asked(9, 9, 0x3f)).toBe(0);
    expect(await asked(7, 7, 0x01)).toBe(0x01);
    const { obj_attributes } = await nfs.ok(access, { object, access: 1 });
    expect(obj_attributes?.uid).toBe(7);
  });
});
