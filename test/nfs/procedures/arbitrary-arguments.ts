/** Arguments for every procedure, for property tests. */
import fc, { type Arbitrary } from 'fast-check';
import { access } from '../../../src/nfs/procedures/access.ts';
import { commit } from '../../../src/nfs/procedures/commit.ts';
import { create } from '../../../src/nfs/procedures/create.ts';
import { fsinfo } from '../../../src/nfs/procedures/fsinfo.ts';
import { fsstat } from '../../../src/nfs/procedures/fsstat.ts';
import { getattr } from '../../../src/nfs/procedures/getattr.ts';
import { link } from '../../../src/nfs/procedures/link.ts';
import { lookup } from '../../../src/nfs/procedures/lookup.ts';
import { mkdir } from '../../../src/nfs/procedures/mkdir.ts';
import { mknod } from '../../../src/nfs/procedures/mknod.ts';
import { dump, exportProcedure, mnt1, mnt3, umnt, umntall } from '../../../src/nfs/procedures/mount.ts';
import { nullProcedure } from '../../../src/nfs/procedures/null.ts';
import { pathconf } from '../../../src/nfs/procedures/pathconf.ts';
import type { Context } from '../../../src/nfs/procedures/procedure.ts';
import { read } from '../../../src/nfs/procedures/read.ts';
import { readdir } from '../../../src/nfs/procedures/readdir.ts';
import { readdirplus } from '../../../src/nfs/procedures/readdirplus.ts';
import { readlink } from '../../../src/nfs/procedures/readlink.ts';
import { remove } from '../../../src/nfs/procedures/remove.ts';
import { rename } from '../../../src/nfs/procedures/rename.ts';
import { rmdir } from '../../../src/nfs/procedures/rmdir.ts';
import { setattr } from '../../../src/nfs/procedures/setattr.ts';
import { symlink } from '../../../src/nfs/procedures/symlink.ts';
import { write } from '../../../src/nfs/procedures/write.ts';
import type { RemoteProcedure } from '../../../src/nfs/rpc/program.ts';

export const word = fc.nat(0xffff_ffff);
/** 64 bits, as far as numbers are exact. */
export const size = fc.oneof(fc.nat(100_000), fc.nat(Number.MAX_SAFE_INTEGER));
export const cookie = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
export const verifier = bytes(8, 8);
export const time = fc.record({ seconds: word, nanoseconds: fc.nat(999_999_999) });
export const stable = fc.constantFrom(0, 1, 2);
export const none = fc.constant(undefined);

export function bytes(maxLength: number, minLength = 0): Arbitrary<Buffer> {
  return fc.uint8Array({ minLength, maxLength }).map((array) => Buffer.from(array));
}

export function maybe<T>(arbitrary: Arbitrary<T>): Arbitrary<T | undefined> {
  return fc.option(arbitrary, { nil: undefined });
}

const someTime = maybe(fc.oneof(fc.constant('now'), time));
const sattr3 = fc.record({
  mode: maybe(word),
  uid: maybe(word),
  gid: maybe(word),
  size: maybe(size),
  atime: someTime,
  mtime: someTime,
});
const device = fc.record({ type: fc.constantFrom(3, 4), changes: sattr3, major: word, minor: word });
const zero = fc.constant(0);
const pipe = fc.record({ type: fc.constantFrom(6, 7), changes: sattr3, major: zero, minor: zero });

// biome-ignore lint/suspicious/noExplicitAny: each procedure has arguments and results of its own
type AnyProcedure = RemoteProcedure<any, Context, any>;

interface Sources {
  readonly handle: Arbitrary<Buffer>;
  readonly name: Arbitrary<Buffer>;
  readonly path: Arbitrary<Buffer>;
}

export function argumentsOf({ handle, name, path }: Sources): readonly [AnyProcedure, Arbitrary<unknown>][] {
  const where = fc.record({ dir: handle, name });
  const how = fc.oneof(
    fc.record({ kind: fc.constantFrom(0, 1), value: sattr3 }),
    fc.record({ kind: fc.constant(2), value: verifier }),
  );
  const what = fc.oneof(
    fc.oneof(device, pipe).map((data) => ({ type: data.type, data })),
    fc.constantFrom(0, 1, 2, 5, 8, 0xffff_ffff).map((type) => ({ type })),
  );
  const link3 = fc.record({ symlink_attributes: sattr3, symlink_data: bytes(5000) });
  const from = { dir: handle, cookie, cookieverf: verifier };
  return [
    [nullProcedure, none],
    [getattr, fc.record({ object: handle })],
    [setattr, fc.record({ object: handle, new_attributes: sattr3, guard: maybe(time) })],
    [lookup, fc.record({ what: where })],
    [access, fc.record({ object: handle, access: word })],
    [readlink, fc.record({ symlink: handle })],
    [read, fc.record({ file: handle, offset: size, count: word })],
    [write, fc.record({ file: handle, offset: size, count: word, stable, data: bytes(5000) })],
    [create, fc.record({ where, how })],
    [mkdir, fc.record({ where, attributes: sattr3 })],
    [symlink, fc.record({ where, symlink: link3 })],
    [mknod, fc.record({ where, what })],
    [remove, fc.record({ object: where })],
    [rmdir, fc.record({ object: where })],
    [rename, fc.record({ from: where, to: where })],
    [link, fc.record({ file: handle, link: where })],
    [readdir, fc.record({ ...from, count: word })],
    [readdirplus, fc.record({ ...from, dircount: word, maxcount: word })],
    [fsstat, fc.record({ fsroot: handle })],
    [fsinfo, fc.record({ fsroot: handle })],
    [pathconf, fc.record({ object: handle })],
    [commit, fc.record({ file: handle, offset: size, count: word })],
    [mnt3, path],
    [mnt1, path],
    [dump, none],
    [umnt, path],
    [umntall, none],
    [exportProcedure, none],
  ];
}
