/** REMOVE, RMDIR, RENAME and LINK. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { getattr } from '../../../src/nfs/procedures/getattr.ts';
import { link } from '../../../src/nfs/procedures/link.ts';
import { mkdir } from '../../../src/nfs/procedures/mkdir.ts';
import { remove } from '../../../src/nfs/procedures/remove.ts';
import { rename } from '../../../src/nfs/procedures/rename.ts';
import { rmdir } from '../../../src/nfs/procedures/rmdir.ts';
import { at, createFile, handleOf, localExport, sattr } from './local-export.ts';

describe.each([false, true])('with sync %s', (sync) => {
  it('REMOVE', async () => {
    const { nfs, root, path: directory } = await localExport({ sync });
    const object = await createFile(nfs, root, 'file');
    const { dir_wcc } = await nfs.ok(remove, { object: at(root, 'file') });
    expect(dir_wcc.before?.mtime).not.toEqual(dir_wcc.after?.mtime);
    expect(dir_wcc.after).toEqual((await nfs.ok(getattr, { object: root })).obj_attributes);
    expect(fs.readdirSync(directory)).toEqual([]);
    expect(await nfs.status(getattr, { object })).toBe('NFS3ERR_STALE');
    expect(await nfs.status(remove, { object: at(root, 'file') })).toBe('NFS3ERR_NOENT');
  });

  it('RMDIR', async () => {
    const { nfs, root, path: directory } = await localExport({ sync });
    fs.mkdirSync(path.join(directory, 'd'));
    const { dir_wcc } = await nfs.ok(rmdir, { object: at(root, 'd') });
    expect(dir_wcc.after?.nlink).toBe(2);
    expect(dir_wcc.before).toBeDefined();
    expect(fs.readdirSync(directory)).toEqual([]);
  });

  it('RENAME in one directory and between two', async () => {
    const { nfs, root, path: directory } = await localExport({ sync });
    const object = await createFile(nfs, root, 'file');
    fs.mkdirSync(path.join(directory, 'd'));
    const d = await handleOf(nfs, root, 'd');
    const same = await nfs.ok(rename, { from: at(root, 'file'), to: at(root, 'other') });
    expect(same.fromdir_wcc.before).toBeDefined();
    expect(same.fromdir_wcc).toEqual(same.todir_wcc);
    const { fromdir_wcc, todir_wcc } = await nfs.ok(rename, { from: at(root, 'other'), to: at(d, 'file') });
    expect(fromdir_wcc.after).toEqual((await nfs.ok(getattr, { object: root })).obj_attributes);
    expect(todir_wcc.after).toEqual((await nfs.ok(getattr, { object: d })).obj_attributes);
    expect(todir_wcc.before?.mtime).not.toEqual(todir_wcc.after?.mtime);
    expect(await handleOf(nfs, d, 'file')).toEqual(object);
    expect((await nfs.ok(getattr, { object })).obj_attributes.type).toBe(1);
  });

  it('LINK', async () => {
    const { nfs, root, path: directory } = await localExport({ sync });
    const file = await createFile(nfs, root, 'file');
    const { file_attributes, linkdir_wcc } = await nfs.ok(link, { file, link: at(root, 'other') });
    expect(file_attributes).toMatchObject({ nlink: 2 });
    expect(linkdir_wcc.before).toBeDefined();
    expect(linkdir_wcc.after).toEqual((await nfs.ok(getattr, { object: root })).obj_attributes);
    expect(fs.readdirSync(directory).sort()).toEqual(['file', 'other']);
    expect(await handleOf(nfs, root, 'other')).toEqual(file);
  });
});

describe('refusals', () => {
  it('REMOVE', async () => {
    const { nfs, root } = await localExport();
    await nfs.ok(mkdir, { where: at(root, 'd'), attributes: sattr({ mode: 0o755 }) });
    await createFile(nfs, root, 'file');
    const refused = (name: string) => nfs.status(remove, { object: at(root, name) });
    expect(['NFS3ERR_ISDIR', 'NFS3ERR_PERM']).toContain(await refused('d'));
    expect(await refused('.')).not.toBe('NFS3_OK');
    expect(await refused('..')).not.toBe('NFS3_OK');
    expect(await refused('d/../file')).toBe('NFS3ERR_ACCES');
    expect(await nfs.as(5).status(remove, { object: at(root, 'file') })).toBe('NFS3ERR_ACCES');
    const { dir_wcc } = await nfs.fail(remove, { object: at(root, 'no') });
    expect(dir_wcc.before?.ctime).toEqual(dir_wcc.after?.ctime);
  });

  it('RMDIR', async () => {
    const { nfs, root, path: directory } = await localExport();
    fs.mkdirSync(path.join(directory, 'd/e'), { recursive: true });
    await createFile(nfs, root, 'file');
    const refused = (name: string) => nfs.status(rmdir, { object: at(root, name) });
    expect(['NFS3ERR_NOTEMPTY', 'NFS3ERR_EXIST']).toContain(await refused('d'));
    expect(await refused('file')).toBe('NFS3ERR_NOTDIR');
    // RFC 1813 §3.3.13
    expect(await refused('.')).toBe('NFS3ERR_INVAL');
    expect(await refused('..')).not.toBe('NFS3_OK');
    expect(await refused('no')).toBe('NFS3ERR_NOENT');
  });

  it('RENAME', async () => {
    const { nfs, root, path: directory } = await localExport();
    fs.mkdirSync(path.join(directory, 'd/e'), { recursive: true });
    await createFile(nfs, root, 'file');
    const d = await handleOf(nfs, root, 'd');
    const refused = (from: string, to: string, dir = root) =>
      nfs.status(rename, { from: at(root, from), to: at(dir, to) });
    expect(await refused('no', 'x')).toBe('NFS3ERR_NOENT');
    expect(await refused('file', 'n'.repeat(256))).toBe('NFS3ERR_NAMETOOLONG');
    expect(await refused('file', 'a/b')).toBe('NFS3ERR_ACCES');
    expect(await refused('file', 'd')).toMatch(/NFS3ERR_(EXIST|ISDIR)/);
    expect(await refused('d', 'file')).toMatch(/NFS3ERR_(EXIST|NOTDIR)/);
    expect(await refused('d', 'x', d)).toBe('NFS3ERR_INVAL');
    expect(await refused('.', 'x')).not.toBe('NFS3_OK');
    expect(await refused('file', '..')).not.toBe('NFS3_OK');
    const { fromdir_wcc, todir_wcc } = await nfs.fail(rename, { from: at(root, 'no'), to: at(d, 'x') });
    for (const { before, after } of [fromdir_wcc, todir_wcc]) expect(before?.ctime).toEqual(after?.ctime);
    expect(fs.readdirSync(directory).sort()).toEqual(['d', 'file']);
  });

  it('LINK', async () => {
    const { nfs, root } = await localExport();
    const file = await createFile(nfs, root, 'file');
    expect(await nfs.status(link, { file, link: at(root, 'file') })).toBe('NFS3ERR_EXIST');
    expect(await nfs.status(link, { file: root, link: at(root, 'x') })).toMatch(/NFS3ERR_(ISDIR|PERM|INVAL)/);
    expect(await nfs.status(link, { file, link: at(file, 'x') })).toBe('NFS3ERR_NOTDIR');
    const { file_attributes, linkdir_wcc } = await nfs.fail(link, { file, link: at(root, 'file') });
    expect(file_attributes?.nlink).toBe(1);
    expect(linkdir_wcc.before?.ctime).toEqual(linkdir_wcc.after?.ctime);
  });

  it('a handle that is gone: no attributes', async () => {
    const { nfs, root, path: directory } = await localExport();
    fs.mkdirSync(path.join(directory, 'd'));
    const d = await handleOf(nfs, root, 'd');
    await nfs.ok(rmdir, { object: at(root, 'd') });
    const gone = await nfs.call(rename, { from: at(root, 'x'), to: at(d, 'x') });
    expect(gone.status).toBe(70);
  });
});
