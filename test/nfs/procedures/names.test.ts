import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { getattr } from '../../../src/nfs/procedures/getattr.ts';
import { lookup } from '../../../src/nfs/procedures/lookup.ts';
import { mkdir } from '../../../src/nfs/procedures/mkdir.ts';
import { readlink } from '../../../src/nfs/procedures/readlink.ts';
import { symlink } from '../../../src/nfs/procedures/symlink.ts';
import { at, createFile, handleOf, localExport, sattr } from './local-export.ts';

describe('LOOKUP', () => {
  it('finds any bytes', async () => {
    const { nfs, root, path: directory } = await localExport();
    const name = Buffer.from([0xff, 0x0a, 0x20, 0x5c, 0x01, 0xc3]);
    fs.writeFileSync(Buffer.concat([Buffer.from(`${directory}/`), name]), 'x');
    const { object, obj_attributes, dir_attributes } = await nfs.ok(lookup, { what: at(root, name) });
    expect(obj_attributes).toEqual((await nfs.ok(getattr, { object })).obj_attributes);
    expect(dir_attributes?.fileid).toBe(fs.statSync(directory).ino);
  });

  it('goes up and stays, and no further than the export', async () => {
    const { nfs, root } = await localExport();
    await nfs.ok(mkdir, { where: at(root, 'a'), attributes: sattr({ mode: 0o755 }) });
    const a = await handleOf(nfs, root, 'a');
    expect(await handleOf(nfs, a, '.')).toEqual(a);
    expect(await handleOf(nfs, a, '..')).toEqual(root);
    expect(await handleOf(nfs, root, '..')).toEqual(root);
  });

  it.each([
    ['nothing', 'NFS3ERR_NOENT'],
    ['', 'NFS3ERR_ACCES'],
    ['a/b', 'NFS3ERR_ACCES'],
    ['../root', 'NFS3ERR_ACCES'],
    ['file\0', 'NFS3ERR_ACCES'],
    ['n'.repeat(256), 'NFS3ERR_NAMETOOLONG'],
    ['n'.repeat(4096), 'NFS3ERR_NAMETOOLONG'],
  ])('refuses %j', async (name, status) => {
    const { nfs, root } = await localExport();
    await createFile(nfs, root, 'file');
    expect(await nfs.status(lookup, { what: at(root, name) })).toBe(status);
    const { dir_attributes } = await nfs.fail(lookup, { what: at(root, name) });
    expect(dir_attributes?.type).toBe(2);
  });

  it('refuses a file for a directory', async () => {
    const { nfs, root } = await localExport();
    const file = await createFile(nfs, root, 'file');
    expect(await nfs.status(lookup, { what: at(file, 'x') })).toBe('NFS3ERR_NOTDIR');
  });
});

describe('READLINK', () => {
  it('gives back what SYMLINK got', async () => {
    const { nfs, root } = await localExport();
    const targets = [Buffer.from('../../etc/passwd'), Buffer.from([0xff, 0xfe]), Buffer.alloc(4095, 'x')];
    for (const [index, symlink_data] of targets.entries()) {
      const where = at(root, `link${index}`);
      const made = await nfs.ok(symlink, { where, symlink: { symlink_attributes: sattr(), symlink_data } });
      const { data, symlink_attributes } = await nfs.ok(readlink, { symlink: made.obj as Buffer });
      expect(data).toEqual(symlink_data);
      expect(symlink_attributes).toMatchObject({ type: 5, size: symlink_data.length });
    }
  });

  it('reads links made by hand', async () => {
    const { nfs, root, path: directory } = await localExport();
    fs.symlinkSync('/etc/passwd', path.join(directory, 'link'));
    const link = await handleOf(nfs, root, 'link');
    expect((await nfs.ok(readlink, { symlink: link })).data.toString()).toBe('/etc/passwd');
  });

  it('refuses what is no link', async () => {
    const { nfs, root } = await localExport();
    const file = await createFile(nfs, root, 'file');
    expect(await nfs.status(readlink, { symlink: file })).toBe('NFS3ERR_INVAL');
    expect((await nfs.fail(readlink, { symlink: file })).symlink_attributes?.type).toBe(1);
    expect(await nfs.status(readlink, { symlink: root })).toBe('NFS3ERR_INVAL');
  });
});
