/** READDIR and READDIRPLUS. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { getattr } from '../../../src/nfs/procedures/getattr.ts';
import type { EncodedListing } from '../../../src/nfs/procedures/listing.ts';
import { readdir } from '../../../src/nfs/procedures/readdir.ts';
import { readdirplus } from '../../../src/nfs/procedures/readdirplus.ts';
import { remove } from '../../../src/nfs/procedures/remove.ts';
import type { NfsClient } from '../../support/nfs-client.ts';
import { at, createFile, handleOf, localExport } from './local-export.ts';
import { encode } from './xdr-bytes.ts';

const cookieverf = Buffer.alloc(8);

/** What was read is always decoded. */
function decoded<Reply>(reply: Reply | EncodedListing): Reply {
  return reply as Reply;
}

/** All entries, in as many calls as it takes. */
async function list(nfs: NfsClient, dir: Buffer, count = 4096) {
  const all: { name: string; fileid: number }[] = [];
  for (let cookie = 0n; ; ) {
    const result = await nfs.call(readdir, { dir, cookie, cookieverf, count });
    if (!('ok' in result)) throw new Error(`READDIR: ${result.status}`);
    expect(encode(readdir.result, result).length - 4).toBeLessThanOrEqual(count);
    const { entries, eof } = decoded(result.ok.reply);
    for (const { name, fileid } of entries) all.push({ name: name.toString('latin1'), fileid });
    if (eof) return all;
    cookie = entries.at(-1)?.cookie ?? 0n;
  }
}

async function listPlus(nfs: NfsClient, dir: Buffer, dircount = 4096, maxcount = 32_768) {
  const all = [];
  for (let cookie = 0n; ; ) {
    const result = await nfs.call(readdirplus, { dir, cookie, cookieverf, dircount, maxcount });
    if (!('ok' in result)) throw new Error(`READDIRPLUS: ${result.status}`);
    expect(encode(readdirplus.result, result).length - 4).toBeLessThanOrEqual(maxcount);
    const { entries, eof } = decoded(result.ok.reply);
    all.push(...entries.map((entry) => ({ ...entry, name: entry.name.toString('latin1') })));
    if (eof) return all;
    cookie = entries.at(-1)?.cookie ?? 0n;
  }
}

function fill(directory: string, count: number): string[] {
  const names = Array.from({ length: count }, (_, index) => `${'n'.repeat(index % 50)}${index}`);
  for (const name of names) fs.writeFileSync(path.join(directory, name), '');
  return names;
}

describe('READDIR', () => {
  it('lists each entry once, whatever the size of the replies', async () => {
    const { nfs, root, path: directory } = await localExport();
    const names = fill(directory, 500);
    for (const count of [400, 1000, 4096, 65_536, 0xffff_ffff]) {
      const listed = (await list(nfs, root, count)).map(({ name }) => name);
      expect(listed.sort()).toEqual(['.', '..', ...names].sort());
    }
  });

  it('lists bytes as they are, and their inode numbers', async () => {
    const { nfs, root, path: directory } = await localExport();
    const name = Buffer.from([0xff, 0x0a, 0x80]);
    const file = Buffer.concat([Buffer.from(`${directory}/`), name]);
    fs.writeFileSync(file, '');
    const entry = (await list(nfs, root)).find((each) => !each.name.startsWith('.'));
    expect(entry).toEqual({ name: name.toString('latin1'), fileid: fs.statSync(file).ino });
  });

  it('shows nothing from above the export', async () => {
    const { nfs, root, path: directory } = await localExport();
    const { ino } = fs.statSync(directory);
    expect((await list(nfs, root)).map(({ fileid }) => fileid)).toEqual([ino, ino]);
    for (const { fileid, name_attributes, name_handle } of await listPlus(nfs, root)) {
      expect([fileid, name_attributes?.fileid, name_handle]).toEqual([ino, ino, root]);
    }
  });

  it('lists each entry once while entries are removed', async () => {
    const { nfs, root, path: directory } = await localExport();
    const names = fill(directory, 300);
    const seen: string[] = [];
    for (let cookie = 0n, eof = false; !eof; ) {
      const { reply } = await nfs.ok(readdir, { dir: root, cookie, cookieverf, count: 1024 });
      const part = decoded(reply);
      ({ eof } = part);
      cookie = part.entries.at(-1)?.cookie ?? cookie;
      for (const { name } of part.entries.filter((entry) => entry.name[0] !== 0x2e)) {
        seen.push(name.toString());
        await nfs.ok(remove, { object: { dir: root, name } });
      }
    }
    expect(seen.sort()).toEqual(names.sort());
    expect(fs.readdirSync(directory)).toEqual([]);
  });

  it('refuses what is too small, no directory, or not to be read', async () => {
    const { nfs, root } = await localExport();
    const file = await createFile(nfs, root, 'file');
    const args = { cookie: 0n, cookieverf };
    expect(await nfs.status(readdir, { dir: root, count: 100, ...args })).toBe('NFS3ERR_TOOSMALL');
    expect(await nfs.status(readdir, { dir: root, count: 0, ...args })).toBe('NFS3ERR_TOOSMALL');
    expect(await nfs.status(readdir, { dir: file, count: 4096, ...args })).toBe('NFS3ERR_NOTDIR');
    fs.chmodSync((await localExport()).path, 0o700);
    const { nfs: other, root: closed, path: directory } = await localExport();
    fs.chmodSync(directory, 0o700);
    expect(await other.as(5).status(readdir, { dir: closed, count: 4096, ...args })).toBe('NFS3ERR_ACCES');
  });

  it.each([1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n])('survives the cookie %d', async (cookie) => {
    const { nfs, root, path: directory } = await localExport();
    fill(directory, 10);
    const args = { dir: root, cookie, cookieverf };
    expect(await nfs.status(readdir, { ...args, count: 4096 })).toMatch(/NFS3_OK|NFS3ERR_BAD_COOKIE/);
    expect(await nfs.status(readdirplus, { ...args, dircount: 512, maxcount: 4096 })).toMatch(
      /NFS3_OK|NFS3ERR_BAD_COOKIE/,
    );
  });
});

describe('READDIRPLUS', () => {
  it('tells attributes and handles of all', async () => {
    const { nfs, root, path: directory } = await localExport();
    const names = fill(directory, 200);
    const listed = await listPlus(nfs, root);
    expect(listed.map(({ name }) => name).sort()).toEqual(['.', '..', ...names].sort());
    for (const { name, fileid, name_attributes, name_handle } of listed) {
      expect(name_handle).toEqual(await handleOf(nfs, root, name));
      const { obj_attributes } = await nfs.ok(getattr, { object: name_handle as Buffer });
      // Listing a directory is an access to it.
      expect({ ...name_attributes, atime: 0 }).toEqual({ ...obj_attributes, atime: 0 });
      expect(fileid).toBe(obj_attributes.fileid);
    }
  });

  it('heeds both counts', async () => {
    const { nfs, root, path: directory } = await localExport();
    const names = fill(directory, 100);
    for (const [dircount, maxcount] of [
      [0, 65_536],
      [512, 65_536],
      [65_536, 600],
      [0xffff_ffff, 0xffff_ffff],
    ] as const) {
      expect(await listPlus(nfs, root, dircount, maxcount)).toHaveLength(names.length + 2);
    }
    const args = { dir: root, cookie: 0n, cookieverf, dircount: 4096 };
    expect(await nfs.status(readdirplus, { ...args, maxcount: 200 })).toBe('NFS3ERR_TOOSMALL');
  });

  it.each([
    ['tcp', 65_536],
    ['udp', 32_768],
  ] as const)('answers no more than %s takes', async (transport, most) => {
    const { nfs, root, path: directory } = await localExport({ transport });
    fill(directory, 1000);
    const count = 0xffff_ffff;
    const args = { dir: root, cookie: 0n, cookieverf, dircount: count, maxcount: count };
    const length = encode(readdirplus.result, await nfs.call(readdirplus, args)).length;
    expect(length).toBeLessThanOrEqual(most);
    expect(length).toBeGreaterThan(most - 500);
  });

  it('refuses what is no directory, with its attributes', async () => {
    const { nfs, root } = await localExport();
    const dir = await createFile(nfs, root, 'file');
    const args = { dir, cookie: 0n, cookieverf, dircount: 512, maxcount: 4096 };
    expect((await nfs.fail(readdirplus, args)).dir_attributes?.type).toBe(1);
    expect(await nfs.status(readdirplus, { ...args, dir: at(root, '').dir })).toBe('NFS3_OK');
  });
});
