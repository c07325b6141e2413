import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Acl, formatAcl, parseAcl, parseKernelAcl } from '../../src/tar/acl.ts';
import { TarError } from '../../src/tar/entry.ts';
import { parseRsyncAcl, permissionsOf, rsyncAccessAcl, rsyncDefaultAcl } from '../../src/tar/rsync-acl.ts';

const MINIMAL = { user: 6, group: 4, other: 0, mask: undefined, named: [] };
const FULL: Acl = {
  user: 7,
  group: 5,
  other: 1,
  mask: 6,
  named: [
    { kind: 'user', id: 0, access: 0 },
    { kind: 'user', id: 1000, access: 7 },
    { kind: 'group', id: 5, access: 3 },
  ],
};

it.each<[string, string, Acl]>([
  ['three entries', 'user::rw-,group::r--,other::---', MINIMAL],
  ['lines', 'user::rw-\ngroup::r--\nother::---\n', MINIMAL],
  ['lines with comments', '# file: x\nuser::rw-\t#effective:r--\n\ngroup::r--\n other::---', MINIMAL],
  ['letters for words', 'u::rw,g::r,o::', MINIMAL],
  ['no field for a name', 'user::rw-,group::r--,other:---', MINIMAL],
  [
    'numbers for names',
    'user::rwx,user:0:---,user:1000:rwx,group::r-x,group:5:-wx,mask::rw-,other::--x',
    FULL,
  ],
  [
    'numbers behind names',
    'user::rwx,user:root:---:0,user:bob:rwx:1000,group::r-x,group:tty:-wx:5,mask::rw-,other::--x',
    FULL,
  ],
  ['any order', 'mask::rw-,group:5:-wx,user:1000:rwx,other::--x,user:0:---,group::r-x,user::rwx', FULL],
  [
    'no mask',
    'user::rw-,user:7:-w-,group::r--,other::---',
    { ...MINIMAL, mask: 6, named: [{ kind: 'user', id: 7, access: 2 }] },
  ],
])('reads %s', (_what, text, acl) => {
  expect(parseAcl(text)).toEqual(acl);
});

it.each([
  ['nothing', '', /^incomplete ACL$/],
  ['no others', 'user::rwx,group::r-x', /^incomplete ACL$/],
  [
    'a name without a number',
    'user::rw-,user:bob:r--,group::r--,other::---',
    /^ACL that tells no number for user bob: add --xattrs/,
  ],
  [
    'a name without a number behind it',
    'user::rw-,user:bob:r--:x,group::r--,other::---',
    /^ACL that tells no number for user bob/,
  ],
  [
    'a number beyond all',
    'user::rw-,user:4294967295:r--,group::r--,other::---',
    /^ACL with an impossible number$/,
  ],
  [
    'the same twice',
    'user::rw-,user:5:r--,user:5:rw-,group::r--,other::---',
    /^ACL that names somebody twice$/,
  ],
  ['the owner twice', 'user::rw-,user::r--,group::r--,other::---', /^ACL that names somebody twice$/],
  ['an unknown word', 'user::rw-,group::r--,everyone::---', /^ACL that can not be read$/],
  ['a word of every object', 'constructor::rw-', /^ACL that can not be read$/],
  ['unknown permissions', 'user::rwz,group::r--,other::---', /^ACL that can not be read$/],
  ['text', 'hello', /^ACL that can not be read$/],
])('refuses %s', (_what, text, problem) => {
  expect(() => parseAcl(text)).toThrow(TarError);
  expect(() => parseAcl(text)).toThrow(problem);
});

it.each([
  ['nothing', ''],
  ['another version', '01000000'],
  ['no entries', '02000000'],
  ['a part of an entry', '02000000010006'],
  ['an unknown tag', '0200000003000600ffffffff'],
  ['access beyond all', '0200000001000800ffffffff04000400ffffffff20000000ffffffff'],
])("refuses %s as the kernel's form", (_what, value) => {
  expect(() => parseKernelAcl(Buffer.from(value, 'hex'))).toThrow(TarError);
});

const access = fc.nat({ max: 7 });
const named = fc
  .uniqueArray(
    fc.record({
      kind: fc.constantFrom<'user' | 'group'>('user', 'group'),
      id: fc.nat({ max: 0xffff_fffe }),
      access,
    }),
    {
      selector: ({ kind, id }) => `${kind}${id}`,
      maxLength: 6,
    },
  )
  .map((list) => list.sort((a, b) => (a.kind === b.kind ? a.id - b.id : a.kind === 'user' ? -1 : 1)));
const anyAcl: fc.Arbitrary<Acl> = fc
  .record({ user: access, group: access, other: access, mask: access, named, hasMask: fc.boolean() })
  .map(({ hasMask, mask, ...acl }) => ({ ...acl, mask: hasMask || acl.named.length > 0 ? mask : undefined }));

it('comes back from text and from the form of rsync', () => {
  fc.assert(
    fc.property(anyAcl, (acl) => {
      expect(parseAcl(formatAcl(acl))).toEqual(acl);
      expect(parseRsyncAcl(rsyncDefaultAcl(acl), 0)).toEqual(acl);
      const stored = rsyncAccessAcl(acl);
      if (acl.mask === undefined) expect(stored).toBeUndefined();
      else expect(parseRsyncAcl(stored ?? Buffer.alloc(0), permissionsOf(acl))).toEqual(acl);
    }),
  );
});

it.each([
  ['nothing', ''],
  ['too little', '8000000080000000800000008000'],
  ['a part of an entry', '8000000080000000800000008000000001000000'],
  ['access beyond all', '80000000800000000900000080000000'],
])("takes %s for no list of rsync's", (_what, value) => {
  expect(parseRsyncAcl(Buffer.from(value, 'hex'), 0o644)).toBeUndefined();
});

it('takes anything, or refuses it', () => {
  const letters = fc.constantFrom(
    'user',
    'group',
    'mask',
    'other',
    ':',
    ',',
    'rwx',
    '-',
    '7',
    '#',
    '\n',
    ' ',
    'x',
  );
  const tag = fc.constantFrom('01', '02', '04', '08', '10', '20', '03');
  const entry = fc.tuple(tag, fc.nat({ max: 8 })).map(([first, last]) => `${first}000${last}00ffffff00`);
  const harmless = (parse: () => unknown) => {
    try {
      parse();
    } catch (error) {
      expect(error).toBeInstanceOf(TarError);
    }
  };
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 40 }), (parts) => harmless(() => parseAcl(parts.join('')))),
  );
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 6 }), (entries) =>
      harmless(() => parseKernelAcl(Buffer.from(`02000000${entries.join('')}`, 'hex'))),
    ),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) =>
      harmless(() => parseRsyncAcl(Buffer.from(bytes), 0)),
    ),
  );
});

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'tar-acl-'));
});
afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, {
    cwd: directory,
    encoding: 'latin1',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Those of acl(5) in which the mode says something else than each entry. */
const LISTS: readonly [name: string, list: string][] = [
  ['users', 'u::rwx,u:1000:rwx,u:5:r,g::r,m::rw,o::-'],
  ['groups', 'u::rw,g::rw,g:77:rx,g:0:w,m::rw,o::r'],
  ['mask', 'u::rw,g::r,m::rwx,o::x'],
  ['same', 'u::rw,u:3:w,g::rw,m::rw,o::r'],
  ['none', 'u::rw,g::r,o::r'],
];

it("is rsync's own form, in both directions", () => {
  fs.mkdirSync(path.join(directory, 'from/directory'), { recursive: true });
  run('setfacl', '-d', '--set', 'u::rwx,u:9:r,g::rx,g:4:rwx,m::rwx,o::-', 'from/directory');
  for (const [name, list] of LISTS) {
    fs.writeFileSync(path.join(directory, 'from', name), '');
    run('setfacl', '--set', list, `from/${name}`);
  }
  run('rsync', '-rlptAX', '--numeric-ids', '-M--fake-super', 'from/', 'stored/');

  const attribute = (name: string, key: string) => {
    const line = run('getfattr', '-h', '-d', '-m', '-', '-e', 'hex', `stored/${name}`).match(
      `%${key}=0x(.*)`,
    );
    return line?.[1] === undefined ? undefined : Buffer.from(line[1], 'hex');
  };
  const real = (name: string, ...options: string[]) =>
    parseAcl(run('getfacl', '-n', '-c', '-E', ...options, `from/${name}`));
  for (const [name] of LISTS) {
    const acl = real(name);
    expect(permissionsOf(acl), name).toBe(fs.statSync(path.join(directory, 'from', name)).mode & 0o777);
    expect(rsyncAccessAcl(acl), name).toEqual(attribute(name, 'aacl'));
  }
  expect(rsyncDefaultAcl(real('directory', '-d'))).toEqual(attribute('directory', 'dacl'));

  // What we store comes back through rsync.
  fs.mkdirSync(path.join(directory, 'ours/directory'), { recursive: true });
  const store = (name: string, key: string, value: Buffer | undefined) => {
    if (value !== undefined)
      run('setfattr', '-n', `user.rsync.%${key}`, '-v', `0x${value.toString('hex')}`, `ours/${name}`);
  };
  for (const [name] of LISTS) {
    fs.writeFileSync(path.join(directory, 'ours', name), '');
    fs.chmodSync(path.join(directory, 'ours', name), permissionsOf(real(name)));
    store(name, 'aacl', rsyncAccessAcl(real(name)));
  }
  store('directory', 'dacl', rsyncDefaultAcl(real('directory', '-d')));
  run('rsync', '-rlptAX', '--numeric-ids', '--fake-super', '-M--super', 'ours/', 'back/');
  for (const [name] of LISTS)
    expect(run('getfacl', '-n', '-c', `back/${name}`), name).toBe(run('getfacl', '-n', '-c', `from/${name}`));
  expect(run('getfacl', '-n', '-c', 'back/directory')).toBe(run('getfacl', '-n', '-c', 'from/directory'));
});

it("reads the kernel's form as setfacl makes it", () => {
  for (const [name, list] of LISTS.filter(([, text]) => text.includes('m::'))) {
    fs.writeFileSync(path.join(directory, name), '');
    run('setfacl', '--set', list, name);
    const hex =
      run('getfattr', '-n', 'system.posix_acl_access', '-e', 'hex', name).match(/=0x(.*)/)?.[1] ?? '';
    expect(parseKernelAcl(Buffer.from(hex, 'hex')), name).toEqual(
      parseAcl(run('getfacl', '-n', '-c', '-E', name)),
    );
  }
});
