import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { commit } from '../../../src/nfs/procedures/commit.ts';
import { mknod } from '../../../src/nfs/procedures/mknod.ts';
import { read } from '../../../src/nfs/procedures/read.ts';
import { write } from '../../../src/nfs/procedures/write.ts';
import { at, createFile, handleOf, localExport, sattr } from './local-export.ts';

const MIB = 2 ** 20;

describe('READ', () => {
  it('reads, and sees the end', async () => {
    const { nfs, root, path: directory } = await localExport();
    fs.writeFileSync(path.join(directory, 'file'), '0123456789');
    const file = await handleOf(nfs, root, 'file');
    const text = async (offset: number, count: number) => {
      const result = await nfs.ok(read, { file, offset, count });
      expect(result.count).toBe(result.data.length);
      expect(result.file_attributes?.size).toBe(10);
      return `${result.data}${result.eof ? '.' : ''}`;
    };
    expect(await text(0, 4)).toBe('0123');
    expect(await text(4, 6)).toBe('456789.');
    expect(await text(4, 100)).toBe('456789.');
    expect(await text(10, 5)).toBe('.');
    expect(await text(2 ** 40, 5)).toBe('.');
    expect(await text(2 ** 64 - 2048, 5)).toBe('.');
    expect(await text(3, 0)).toBe('');
  });

  it('reads holes, and beyond 4 GiB', async () => {
    const { nfs, root, path: directory } = await localExport();
    const name = path.join(directory, 'file');
    fs.writeFileSync(name, '');
    fs.truncateSync(name, 2 ** 33);
    fs.appendFileSync(name, 'end');
    const file = await handleOf(nfs, root, 'file');
    const { data, eof } = await nfs.ok(read, { file, offset: 2 ** 33 - 2, count: 100 });
    expect(data.toString()).toBe('\0\0end');
    expect(eof).toBe(true);
  });

  it.each([
    ['tcp', MIB],
    ['udp', MIB / 32],
  ] as const)('gives no more than %s takes', async (transport, most) => {
    const { nfs, root, path: directory } = await localExport({ transport });
    fs.writeFileSync(path.join(directory, 'file'), Buffer.alloc(MIB + 5, 'x'));
    const file = await handleOf(nfs, root, 'file');
    const { data, eof } = await nfs.ok(read, { file, offset: 0, count: 0xffff_ffff });
    expect(data.length).toBe(most);
    expect(eof).toBe(false);
  });

  it('refuses directories and special files', async () => {
    const { nfs, root } = await localExport();
    const args = { offset: 0, count: 1 };
    expect(await nfs.status(read, { file: root, ...args })).toBe('NFS3ERR_ISDIR');
    const data = { type: 7, changes: sattr({ mode: 0o644 }), major: 0, minor: 0 } as const;
    const { obj } = await nfs.ok(mknod, { where: at(root, 'fifo'), what: { type: 7, data } });
    expect(await nfs.status(read, { file: obj as Buffer, ...args })).toBe('NFS3ERR_INVAL');
  });
});

describe('WRITE', () => {
  it.each([0, 1, 2] as const)('writes, stable_how %i', async (stable) => {
    const { nfs, root, path: directory } = await localExport();
    const file = await createFile(nfs, root, 'file');
    const data = Buffer.from('hello');
    const result = await nfs.ok(write, { file, offset: 3, count: 5, stable, data });
    expect(result).toMatchObject({ count: 5, committed: stable });
    expect(result.file_wcc.before?.size).toBe(0);
    expect(result.file_wcc.after?.size).toBe(8);
    expect(result.verf.length).toBe(8);
    expect(fs.readFileSync(path.join(directory, 'file'), 'latin1')).toBe('\0\0\0hello');
  });

  it('writes a MiB', async () => {
    const { nfs, root, path: directory } = await localExport();
    const file = await createFile(nfs, root, 'file');
    const data = Buffer.alloc(MIB, 'abc');
    expect((await nfs.ok(write, { file, offset: 0, count: MIB, stable: 0, data })).count).toBe(MIB);
    expect(fs.readFileSync(path.join(directory, 'file')).equals(data)).toBe(true);
  });

  it('takes the shorter of count and data', async () => {
    const { nfs, root } = await localExport();
    const file = await createFile(nfs, root, 'file');
    const data = Buffer.from('hello');
    expect((await nfs.ok(write, { file, offset: 0, count: 2, stable: 0, data })).count).toBe(2);
    expect((await nfs.ok(write, { file, offset: 0, count: 9, stable: 0, data })).count).toBe(5);
    expect((await nfs.ok(write, { file, offset: 0, count: 0, stable: 0, data })).count).toBe(0);
  });

  it.each([2 ** 63 - 3, 2 ** 63, 2 ** 64 - 2048])('refuses offset %d', async (offset) => {
    const { nfs, root } = await localExport();
    const file = await createFile(nfs, root, 'file');
    const args = { file, offset, count: 5, stable: 0, data: Buffer.from('hello') } as const;
    expect(await nfs.status(write, args)).toBe('NFS3ERR_FBIG');
    const { file_wcc } = await nfs.fail(write, args);
    expect(file_wcc.before?.size).toBe(0);
    expect(file_wcc.after?.size).toBe(0);
  });

  it('refuses who may not write, and what is no file', async () => {
    const { nfs, root } = await localExport();
    const file = await createFile(nfs, root, 'file');
    const args = { offset: 0, count: 1, stable: 0, data: Buffer.from('x') } as const;
    expect(await nfs.as(5).status(write, { file, ...args })).toBe('NFS3ERR_ACCES');
    expect(['NFS3ERR_ISDIR', 'NFS3ERR_INVAL']).toContain(await nfs.status(write, { file: root, ...args }));
  });

  it('keeps its verifier, and COMMIT has the same', async () => {
    const { nfs, root } = await localExport();
    const file = await createFile(nfs, root, 'file');
    const data = Buffer.from('x');
    const first = await nfs.ok(write, { file, offset: 0, count: 1, stable: 0, data });
    const second = await nfs.ok(write, { file, offset: 0, count: 1, stable: 2, data });
    const { verf, file_wcc } = await nfs.ok(commit, { file, offset: 0, count: 0 });
    expect(second.verf).toEqual(first.verf);
    expect(verf).toEqual(first.verf);
    expect(file_wcc.before?.size).toBe(1);
    expect(file_wcc.after?.size).toBe(1);
  });

  it('takes many at once', async () => {
    const { nfs, root, path: directory } = await localExport();
    const file = await createFile(nfs, root, 'file');
    const writes = Array.from({ length: 32 }, (_, index) => {
      const data = Buffer.alloc(5000, index + 65);
      return nfs.ok(write, { file, offset: index * 5000, count: 5000, stable: index % 2 ? 2 : 0, data });
    });
    for (const { file_wcc } of await Promise.all(writes)) expect(file_wcc.after).toBeDefined();
    const expected = Buffer.concat(Array.from({ length: 32 }, (_, index) => Buffer.alloc(5000, index + 65)));
    expect(fs.readFileSync(path.join(directory, 'file')).equals(expected)).toBe(true);
  });
});

it('COMMIT refuses a directory', async () => {
  const { nfs, root } = await localExport();
  const status = await nfs.status(commit, { file: root, offset: 0, count: 0 });
  expect(['NFS3ERR_ISDIR', 'NFS3ERR_INVAL']).toContain(status);
});
