/** Arguments and results, byte by byte as RFC 1813 has them. */
import { describe, expect, it } from 'vitest';
import { create } from '../../../src/nfs/procedures/create.ts';
import { fsinfo } from '../../../src/nfs/procedures/fsinfo.ts';
import { getattr } from '../../../src/nfs/procedures/getattr.ts';
import { lookup } from '../../../src/nfs/procedures/lookup.ts';
import { mknod } from '../../../src/nfs/procedures/mknod.ts';
import { dump, exportProcedure, mnt1, mnt3, mountProgram } from '../../../src/nfs/procedures/mount.ts';
import { nfsProgram } from '../../../src/nfs/procedures/nfs.ts';
import { read } from '../../../src/nfs/procedures/read.ts';
import { readdir } from '../../../src/nfs/procedures/readdir.ts';
import { readdirplus } from '../../../src/nfs/procedures/readdirplus.ts';
import { setattr } from '../../../src/nfs/procedures/setattr.ts';
import { symlink } from '../../../src/nfs/procedures/symlink.ts';
import { write } from '../../../src/nfs/procedures/write.ts';
import type { Attributes } from '../../../src/nfs/vfs/attributes.ts';
import type { Xdr } from '../../../src/nfs/wire/xdr.ts';
import { decode, encode, hex } from './xdr-bytes.ts';

const attributes: Attributes = {
  type: 1,
  mode: 0o4755,
  nlink: 2,
  uid: 1000,
  gid: 0xffff_fffe,
  size: 5 * 2 ** 30 + 1,
  used: 4096,
  major: 8,
  minor: 0x12345,
  fsid: 7,
  fileid: 2 ** 52 + 3,
  atime: { seconds: 1, nanoseconds: 999_999_999 },
  mtime: { seconds: 0xffff_ffff, nanoseconds: 0 },
  ctime: { seconds: 0x6789_abcd, nanoseconds: 5 },
};
const fattr3 = `
  00000001 000009ed 00000002 000003e8 fffffffe
  00000001 40000001 00000000 00001000 00000008 00012345
  00000000 00000007 00100000 00000003
  00000001 3b9ac9ff ffffffff 00000000 6789abcd 00000005`;
const wcc_attr = '00000001 40000001 ffffffff 00000000 6789abcd 00000005';
const { size, mtime, ctime } = attributes;
const before = { size, mtime, ctime };
const handle = Buffer.from('handle');
const nfs_fh3 = '00000006 68616e646c650000';
const name = Buffer.from('abc');
const filename3 = '00000003 61626300';
const verifier = hex('0102030405060708');

function check<T>(type: Xdr<T>, value: T, digits: string): void {
  expect(encode(type, value).toString('hex')).toBe(hex(digits).toString('hex'));
  expect(decode(type, hex(digits))).toEqual(value);
}

it('has the numbers of the programs', () => {
  expect(nfsProgram.program).toBe(100003);
  expect(nfsProgram.versions.map(({ version }) => version)).toEqual([3]);
  expect(mountProgram.program).toBe(100005);
  expect(mountProgram.versions.map(({ version }) => version)).toEqual([1, 3]);
});

it('has the numbers of the NFS procedures', () => {
  expect(nfsProgram.versions[0]?.procedures.map((procedure) => procedure?.name)).toEqual([
    ...['NULL', 'GETATTR', 'SETATTR', 'LOOKUP', 'ACCESS', 'READLINK', 'READ', 'WRITE', 'CREATE', 'MKDIR'],
    ...['SYMLINK', 'MKNOD', 'REMOVE', 'RMDIR', 'RENAME', 'LINK', 'READDIR', 'READDIRPLUS', 'FSSTAT'],
    ...['FSINFO', 'PATHCONF', 'COMMIT'],
  ]);
});

it('has the numbers of the MOUNT procedures', () => {
  for (const { procedures } of mountProgram.versions) {
    expect(procedures.map((procedure) => procedure?.name)).toEqual([
      ...['NULL', 'MNT', 'DUMP', 'UMNT', 'UMNTALL', 'EXPORT'],
    ]);
  }
});

it('keeps the replies of those that cannot be repeated', () => {
  const kept = nfsProgram.versions[0]?.procedures.filter((procedure) => procedure?.once);
  expect(kept?.map((procedure) => procedure?.name)).toEqual([
    ...['SETATTR', 'CREATE', 'MKDIR', 'SYMLINK', 'MKNOD', 'REMOVE', 'RMDIR', 'RENAME', 'LINK'],
  ]);
});

describe('arguments', () => {
  it('LOOKUP', () => {
    check(lookup.args, { what: { dir: handle, name } }, `${nfs_fh3} ${filename3}`);
  });

  it('SETATTR with everything', () => {
    check(
      setattr.args,
      {
        object: handle,
        new_attributes: { mode: 0o644, uid: 1, gid: 2, size: 2 ** 33, atime: 'now', mtime },
        guard: ctime,
      },
      `${nfs_fh3} 00000001 000001a4 00000001 00000001 00000001 00000002 00000001 00000002 00000000
       00000001 00000002 ffffffff 00000000 00000001 6789abcd 00000005`,
    );
  });

  it('SETATTR with nothing', () => {
    const nothing = { mode: undefined, uid: undefined, gid: undefined, size: undefined };
    check(
      setattr.args,
      {
        object: handle,
        new_attributes: { ...nothing, atime: undefined, mtime: undefined },
        guard: undefined,
      },
      `${nfs_fh3} 00000000 00000000 00000000 00000000 00000000 00000000 00000000`,
    );
  });

  it('CREATE, exclusive', () => {
    check(
      create.args,
      { where: { dir: handle, name }, how: { kind: 2, value: verifier } },
      `${nfs_fh3} ${filename3} 00000002 0102030405060708`,
    );
  });

  it('SYMLINK', () => {
    const nothing = { mode: undefined, uid: undefined, gid: undefined, size: undefined };
    const symlink_attributes = { ...nothing, atime: undefined, mtime: undefined };
    check(
      symlink.args,
      { where: { dir: handle, name }, symlink: { symlink_attributes, symlink_data: Buffer.from('to/it') } },
      `${nfs_fh3} ${filename3} 00000000 00000000 00000000 00000000 00000000 00000000 00000005 746f2f6974000000`,
    );
  });

  it('MKNOD of a device, of a FIFO, and of what is none', () => {
    const changes = { mode: 0o600, uid: undefined, gid: undefined, size: undefined };
    const data = { changes: { ...changes, atime: undefined, mtime: undefined }, major: 0, minor: 0 };
    const where = { dir: handle, name };
    const sattr3 = '00000001 00000180 00000000 00000000 00000000 00000000 00000000';
    check(
      mknod.args,
      { where, what: { type: 4, data: { ...data, type: 4, major: 0xfff, minor: 0xfffff } } },
      `${nfs_fh3} ${filename3} 00000004 ${sattr3} 00000fff 000fffff`,
    );
    check(
      mknod.args,
      { where, what: { type: 7, data: { ...data, type: 7 } } },
      `${nfs_fh3} ${filename3} 00000007 ${sattr3}`,
    );
    check(mknod.args, { where, what: { type: 2 } }, `${nfs_fh3} ${filename3} 00000002`);
    check(mknod.args, { where, what: { type: 99 } }, `${nfs_fh3} ${filename3} 00000063`);
  });

  it('WRITE', () => {
    check(
      write.args,
      { file: handle, offset: 2 ** 40, count: 5, stable: 2, data: Buffer.from('hello') },
      `${nfs_fh3} 00000100 00000000 00000005 00000002 00000005 68656c6c6f000000`,
    );
  });

  it('READDIRPLUS, its cookie with all 64 bits', () => {
    check(
      readdirplus.args,
      { dir: handle, cookie: 0xfedc_ba98_7654_3210n, cookieverf: verifier, dircount: 512, maxcount: 8192 },
      `${nfs_fh3} fedcba98 76543210 0102030405060708 00000200 00002000`,
    );
  });
});

describe('results', () => {
  it('GETATTR', () => {
    check(getattr.result, { status: 0, ok: { obj_attributes: attributes } }, `00000000 ${fattr3}`);
    check(getattr.result, { status: 70, fail: undefined }, '00000046');
  });

  it('attributes with times and sizes that NFS cannot tell', () => {
    const odd = {
      ...attributes,
      size: 0,
      atime: { seconds: -1, nanoseconds: 5 },
      mtime: { seconds: 2 ** 32 - 1, nanoseconds: 6 },
      ctime: { seconds: 2 ** 40, nanoseconds: 7 },
    };
    const bytes = encode(getattr.result, { status: 0, ok: { obj_attributes: odd } });
    expect(bytes.subarray(64).toString('hex')).toBe('0000000000000005ffffffff00000006ffffffff00000007');
  });

  it('LOOKUP', () => {
    check(
      lookup.result,
      { status: 0, ok: { object: handle, obj_attributes: attributes, dir_attributes: undefined } },
      `00000000 ${nfs_fh3} 00000001 ${fattr3} 00000000`,
    );
    check(lookup.result, { status: 2, fail: { dir_attributes: undefined } }, '00000002 00000000');
  });

  it('READ', () => {
    check(
      read.result,
      { status: 0, ok: { file_attributes: undefined, count: 2, eof: true, data: Buffer.from('hi') } },
      '00000000 00000000 00000002 00000001 00000002 68690000',
    );
  });

  it('WRITE', () => {
    check(
      write.result,
      {
        status: 0,
        ok: { file_wcc: { before, after: attributes }, count: 5, committed: 0, verf: verifier },
      },
      `00000000 00000001 ${wcc_attr} 00000001 ${fattr3} 00000005 00000000 0102030405060708`,
    );
  });

  it('CREATE', () => {
    check(
      create.result,
      {
        status: 0,
        ok: { obj: handle, obj_attributes: undefined, dir_wcc: { before, after: undefined } },
      },
      `00000000 00000001 ${nfs_fh3} 00000000 00000001 ${wcc_attr} 00000000`,
    );
  });

  it('READDIR', () => {
    check(
      readdir.result,
      {
        status: 0,
        ok: {
          dir_attributes: attributes,
          cookieverf: verifier,
          reply: { entries: [{ fileid: 2 ** 40 + 1, name, cookie: 2n ** 63n + 1n }], eof: true },
        },
      },
      `00000000 00000001 ${fattr3} 0102030405060708
       00000001 00000100 00000001 ${filename3} 80000000 00000001 00000000 00000001`,
    );
  });

  it('READDIRPLUS', () => {
    const entry = { fileid: 5, name, cookie: 6n, name_attributes: attributes, name_handle: handle };
    const gone = { ...entry, name_attributes: undefined, name_handle: undefined };
    check(
      readdirplus.result,
      {
        status: 0,
        ok: {
          dir_attributes: undefined,
          cookieverf: verifier,
          reply: { entries: [entry, gone], eof: false },
        },
      },
      `00000000 00000000 0102030405060708
       00000001 00000000 00000005 ${filename3} 00000000 00000006 00000001 ${fattr3} 00000001 ${nfs_fh3}
       00000001 00000000 00000005 ${filename3} 00000000 00000006 00000000 00000000
       00000000 00000000`,
    );
  });

  it('FSINFO', () => {
    const counts = { rtmax: 1, rtpref: 2, rtmult: 3, wtmax: 4, wtpref: 5, wtmult: 6, dtpref: 7 };
    const rest = {
      maxfilesize: 2n ** 63n - 1n,
      time_delta: { seconds: 0, nanoseconds: 1 },
      properties: 0x1b,
    };
    check(
      fsinfo.result,
      { status: 0, ok: { obj_attributes: undefined, ...counts, ...rest } },
      `00000000 00000000 00000001 00000002 00000003 00000004 00000005 00000006 00000007
       7fffffff ffffffff 00000000 00000001 0000001b`,
    );
  });

  it('MNT', () => {
    check(
      mnt3.result,
      { status: 0, ok: { fhandle: handle, auth_flavors: [1, 0] } },
      `00000000 ${nfs_fh3} 00000002 00000001 00000000`,
    );
    check(mnt3.result, { status: 13 }, '0000000d');
    const fhandle = Buffer.alloc(32, 7);
    check(mnt1.result, { status: 0, ok: fhandle }, `00000000 ${fhandle.toString('hex')}`);
  });

  it('DUMP and EXPORT', () => {
    check(
      dump.result,
      [{ ml_hostname: Buffer.from('::1'), ml_directory: Buffer.from('/e') }],
      '00000001 00000003 3a3a3100 00000002 2f650000 00000000',
    );
    check(
      exportProcedure.result,
      [{ ex_dir: Buffer.from('/e'), ex_groups: [Buffer.from('::1')] }],
      '00000001 00000002 2f650000 00000001 00000003 3a3a3100 00000000 00000000',
    );
  });
});
