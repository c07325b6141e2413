/** Every type of RFC 1813, there and back; and bytes that are none of them. */
import fc, { type Arbitrary } from 'fast-check';
import { expect, it } from 'vitest';
import { programs } from '../../../src/nfs/procedures/programs.ts';
import { Nfsstat3 } from '../../../src/nfs/procedures/status.ts';
import type { Xdr } from '../../../src/nfs/wire/xdr.ts';
import { XdrError } from '../../../src/nfs/wire/xdr-error.ts';
import { Reader } from '../../../src/nfs/wire/xdr-reader.ts';
import {
  argumentsOf,
  bytes,
  cookie,
  maybe,
  none,
  size,
  stable,
  time,
  verifier,
  word,
} from './arbitrary-arguments.ts';
import { decode, encode } from './xdr-bytes.ts';

const handle = bytes(64);
const attributes = fc.record({
  type: fc.constantFrom(1, 2, 3, 4, 5, 6, 7),
  mode: word,
  nlink: word,
  uid: word,
  gid: word,
  size,
  used: size,
  major: word,
  minor: word,
  fsid: size,
  fileid: size,
  atime: time,
  mtime: time,
  ctime: time,
});
const postOpAttr = maybe(attributes);
const wcc = fc.record({ before: maybe(fc.record({ size, mtime: time, ctime: time })), after: postOpAttr });

function result(ok: Arbitrary<unknown>, fail: Arbitrary<unknown>): Arbitrary<unknown> {
  const failures = Object.values(Nfsstat3).filter((status) => status !== 0);
  return fc.oneof(
    fc.record({ status: fc.constant(0), ok }),
    fc.record({ status: fc.constantFrom(...failures), fail }),
  );
}

function mounted(ok: Arbitrary<unknown>): Arbitrary<unknown> {
  const status = fc.constantFrom(1, 2, 5, 13, 20, 22, 63, 10004, 10006);
  return fc.oneof(fc.record({ status: fc.constant(0), ok }), fc.record({ status }));
}

function listed(entry: Arbitrary<unknown>): Arbitrary<unknown> {
  const reply = fc.record({ entries: fc.array(entry), eof: fc.boolean() });
  return result(fc.record({ dir_attributes: postOpAttr, cookieverf: verifier, reply }), dirFails);
}

const objFails = fc.record({ obj_attributes: postOpAttr });
const dirFails = fc.record({ dir_attributes: postOpAttr });
const fileFails = fc.record({ file_attributes: postOpAttr });
const linkFails = fc.record({ symlink_attributes: postOpAttr });
const fileWcc = fc.record({ file_wcc: wcc });
const dirWcc = fc.record({ dir_wcc: wcc });
const made = result(fc.record({ obj: maybe(handle), obj_attributes: postOpAttr, dir_wcc: wcc }), dirWcc);
const renamed = fc.record({ fromdir_wcc: wcc, todir_wcc: wcc });
const linked = fc.record({ file_attributes: postOpAttr, linkdir_wcc: wcc });
const objWcc = fc.record({ obj_wcc: wcc });
const found = { object: handle, obj_attributes: postOpAttr, dir_attributes: postOpAttr };
const chunk = { file_attributes: postOpAttr, count: word, eof: fc.boolean(), data: bytes(5000) };
const written = { file_wcc: wcc, count: word, committed: stable, verf: verifier };
const entry = { fileid: size, name: bytes(255), cookie };
const entryPlus = { ...entry, name_attributes: postOpAttr, name_handle: maybe(handle) };
const space = { tbytes: size, fbytes: size, abytes: size, tfiles: size, ffiles: size, afiles: size };
const reads = { rtmax: word, rtpref: word, rtmult: word };
const writes = { wtmax: word, wtpref: word, wtmult: word };
const limits = { ...reads, ...writes, dtpref: word, maxfilesize: cookie, time_delta: time, properties: word };
const flags = {
  no_trunc: fc.boolean(),
  chown_restricted: fc.boolean(),
  case_insensitive: fc.boolean(),
  case_preserving: fc.boolean(),
};
const mounts = fc.array(fc.record({ ml_hostname: bytes(255), ml_directory: bytes(1024) }));

const results: Readonly<Record<string, readonly Arbitrary<unknown>[]>> = {
  NULL: [none],
  GETATTR: [result(fc.record({ obj_attributes: attributes }), none)],
  SETATTR: [result(objWcc, objWcc)],
  LOOKUP: [result(fc.record(found), dirFails)],
  ACCESS: [result(fc.record({ obj_attributes: postOpAttr, access: word }), objFails)],
  READLINK: [result(fc.record({ symlink_attributes: postOpAttr, data: bytes(4095) }), linkFails)],
  READ: [result(fc.record(chunk), fileFails)],
  WRITE: [result(fc.record(written), fileWcc)],
  CREATE: [made],
  MKDIR: [made],
  SYMLINK: [made],
  MKNOD: [made],
  REMOVE: [result(dirWcc, dirWcc)],
  RMDIR: [result(dirWcc, dirWcc)],
  RENAME: [result(renamed, renamed)],
  LINK: [result(linked, linked)],
  READDIR: [listed(fc.record(entry))],
  READDIRPLUS: [listed(fc.record(entryPlus))],
  FSSTAT: [result(fc.record({ obj_attributes: postOpAttr, ...space, invarsec: word }), objFails)],
  FSINFO: [result(fc.record({ obj_attributes: postOpAttr, ...limits }), objFails)],
  PATHCONF: [
    result(fc.record({ obj_attributes: postOpAttr, linkmax: word, name_max: word, ...flags }), objFails),
  ],
  COMMIT: [result(fc.record({ file_wcc: wcc, verf: verifier }), fileWcc)],
  // Version 3, then version 1.
  MNT: [
    mounted(fc.record({ fhandle: handle, auth_flavors: fc.array(word, { maxLength: 16 }) })),
    mounted(bytes(32, 32)),
  ],
  DUMP: [mounts],
  UMNT: [none],
  UMNTALL: [none],
  EXPORT: [fc.array(fc.record({ ex_dir: bytes(1024), ex_groups: fc.array(bytes(255)) }))],
};

function comesBack(type: Xdr<unknown>, arbitrary: Arbitrary<unknown>): void {
  const part = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(arbitrary, part, (value, kept) => {
      const encoded = encode(type, value);
      expect(encoded.length % 4).toBe(0);
      expect(decode(type, encoded)).toEqual(value);
      if (encoded.length === 0) return;
      const short = new Reader().reset(encoded, 0, Math.floor(encoded.length * kept));
      expect(() => type.read(short)).toThrow(XdrError);
    }),
  );
}

const all = argumentsOf({ handle, name: bytes(300), path: bytes(1024) });

it('knows all procedures', () => {
  const known = new Set(all.map(([procedure]) => procedure));
  const served = programs.flatMap(({ versions }) => versions.flatMap(({ procedures }) => procedures));
  expect(known).toEqual(new Set(served));
});

it.each(all.map(([procedure, args]) => ({ name: procedure.name, procedure, args })))(
  '$name: what is written is read',
  ({ name, procedure, args }) => {
    comesBack(procedure.args, args);
    const sameName = all.filter(([other]) => other.name === name).map(([other]) => other);
    const arbitrary = results[name]?.[sameName.indexOf(procedure)];
    if (arbitrary === undefined) throw new Error(`no results for ${name}`);
    comesBack(procedure.result, arbitrary);
  },
);

const lengths = [0, 1, 2, 3, 4, 7, 8, 32, 64, 65, 4096, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
const junk = fc
  .tuple(fc.array(fc.oneof(fc.constantFrom(...lengths), word), { maxLength: 60 }), fc.nat(3))
  .map(([words, odd]) => {
    const buffer = Buffer.alloc(words.length * 4 + odd, 0xff);
    for (const [index, value] of words.entries()) buffer.writeUInt32BE(value, index * 4);
    return buffer;
  });

it.each(all.map(([procedure]) => ({ name: procedure.name, procedure })))(
  '$name: junk is read or refused',
  ({ procedure }) => {
    fc.assert(
      fc.property(junk, (message) => {
        for (const type of [procedure.args, procedure.result]) {
          try {
            type.read(new Reader().reset(message));
          } catch (error) {
            expect(error).toBeInstanceOf(XdrError);
          }
        }
      }),
      { numRuns: 500 },
    );
  },
);
