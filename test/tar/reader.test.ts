import { expect, it } from 'vitest';
import { FIELD } from '../../src/tar/header.ts';
import { readTar } from '../../src/tar/reader.ts';
import { chunksOf, END, extended, type RawFields, rawEntry, rawHeader, readAll, zeros } from './archives.ts';

async function readOne(...parts: Buffer[]) {
  const files = await readAll(Buffer.concat([...parts, END]));
  expect(files).toHaveLength(1);
  return files[0];
}

const binary = (bytes: string) => Buffer.from(bytes, 'hex').toString('latin1');
const bytes = (text: string) => Buffer.from(text, 'latin1');

it.each<[string, RawFields, object]>([
  [
    'a file',
    { mode: '0104755', uid: '0001750', mtime: '14524770400' },
    { type: 'file', mode: 0o4755, uid: 1000, mtime: { seconds: 1_700_000_000, nanoseconds: 0 } },
  ],
  ['a prefix', { prefix: 'a/b', name: 'c' }, { name: bytes('a/b/c') }],
  [
    'no prefix where GNU has other things',
    { prefix: 'a/b', name: 'c', magic: 'ustar  \0' },
    { name: bytes('c') },
  ],
  ['no magic at all', { magic: '\0', prefix: 'a/b', name: 'c' }, { name: bytes('c') }],
  [
    'names of 100 bytes',
    { type: '2', name: 'n'.repeat(100), link: 'l'.repeat(100) },
    { name: bytes('n'.repeat(100)), link: bytes('l'.repeat(100)) },
  ],
  ['a name that is not UTF-8', { name: '\xff\xc3(' }, { name: bytes('\xff\xc3(') }],
  ['a NUL as type', { type: '\0' }, { type: 'file' }],
  ['a contiguous file', { type: '7' }, { type: 'file' }],
  [
    'a directory by its name',
    { type: '\0', name: 'd/', magic: '\0' },
    { type: 'directory', name: bytes('d/') },
  ],
  ['numbers between blanks', { uid: '   750 ' }, { uid: 0o750 }],
  [
    'empty numbers',
    { uid: '       ', mode: '\0', mtime: '' },
    { uid: 0, mode: 0, mtime: { seconds: 0, nanoseconds: 0 } },
  ],
  ['a number that fills its field', { uid: '77777777' }, { uid: 0o77777777 }],
  ['a binary number', { uid: binary('80000000002dc6c0') }, { uid: 3_000_000 }],
  [
    'a time before 1970',
    { mtime: binary('ffffffffffffffffffffffff') },
    { mtime: { seconds: -1, nanoseconds: 0 } },
  ],
  ['a device', { type: '4', major: '0000010' }, { type: 'block', major: 8, minor: 0 }],
  ['a major number of no device', { major: '0000010' }, { major: 0 }],
  ['a FIFO', { type: '6' }, { type: 'fifo' }],
])('reads %s', async (_what, fields, expected) => {
  expect(await readOne(rawEntry(fields))).toMatchObject(expected);
});

it.each<[string, Record<string, string>, object]>([
  [
    'names as bytes',
    { path: '\xff/\xe4', linkpath: '\xfe' },
    { name: bytes('\xff/\xe4'), link: bytes('\xfe') },
  ],
  ['owners', { uid: '4294967294', gid: '3000000' }, { uid: 4294967294, gid: 3000000 }],
  ['an empty value: as if not there', { path: '', uid: '' }, { name: bytes('file'), uid: 0 }],
  ['a fraction of a second', { mtime: '1.5' }, { mtime: { seconds: 1, nanoseconds: 500_000_000 } }],
  [
    'nanoseconds',
    { mtime: '1700000000.123456789' },
    { mtime: { seconds: 1_700_000_000, nanoseconds: 123_456_789 } },
  ],
  ['more digits', { mtime: '1.1234567899' }, { mtime: { seconds: 1, nanoseconds: 123_456_789 } }],
  [
    'less than a second before 1970',
    { mtime: '-0.25' },
    { mtime: { seconds: -1, nanoseconds: 750_000_000 } },
  ],
  ['a time before 1970', { mtime: '-5' }, { mtime: { seconds: -5, nanoseconds: 0 } }],
  ['a fraction before 1970', { mtime: '-5.000000001' }, { mtime: { seconds: -6, nanoseconds: 999_999_999 } }],
  [
    'an attribute',
    { 'SCHILY.xattr.user.a': '\0\xff=\n' },
    { xattrs: new Map([['user.a', bytes('\0\xff=\n')]]) },
  ],
  ['an empty attribute', { 'SCHILY.xattr.user.a': '' }, { xattrs: new Map([['user.a', bytes('')]]) }],
  [
    'an attribute with = in its name',
    { 'SCHILY.xattr.user.a%3Db%25c': 'v' },
    { xattrs: new Map([['user.a=b%c', bytes('v')]]) },
  ],
  [
    'an attribute of bsdtar',
    { 'LIBARCHIVE.xattr.user.%FF': '/wA' },
    { xattrs: new Map([['user.\xff', bytes('\xff\0')]]) },
  ],
  [
    'the same told twice',
    { 'LIBARCHIVE.xattr.user.%FF': '/wA', 'SCHILY.xattr.user.%FF': '\xff\0' },
    { xattrs: new Map([['user.\xff', bytes('\xff\0')]]) },
  ],
  [
    'a label of SELinux',
    { 'RHT.security.selinux': 'u:r:t' },
    { xattrs: new Map([['security.selinux', bytes('u:r:t\0')]]) },
  ],
  [
    'ACLs',
    { 'SCHILY.acl.access': 'text', 'SCHILY.acl.default': 'more' },
    { acl: { access: 'text', default: 'more' } },
  ],
  [
    'keys that nobody knows',
    { comment: 'no', 'SUN.devmajor': 'x', 'VENDOR.thing': 'y' },
    { name: bytes('file') },
  ],
])('reads from an extended header: %s', async (_what, records, expected) => {
  expect(await readOne(extended(records), rawEntry({ type: '2', link: 'target' }))).toMatchObject(expected);
  expect(await readOne(extended(records, 'X'), rawEntry({ type: '2', link: 'target' }))).toMatchObject(
    expected,
  );
  expect(await readOne(extended(records, 'g'), rawEntry({ type: '2', link: 'target' }))).toMatchObject(
    expected,
  );
});

it('takes the numbers of an ACL from the kernel where the text has names only', async () => {
  const kernel = '0200000001000600ffffffff02000700e803000004000400ffffffff10000700ffffffff20000400ffffffff';
  const text = 'user::rw-\nuser:bob:rwx\ngroup::r--\nmask::rwx\nother::r--\n';
  const file = await readOne(
    extended({ 'SCHILY.xattr.system.posix_acl_access': binary(kernel), 'SCHILY.acl.access': text }),
    rawEntry({}),
  );
  expect(file?.acl).toEqual({ access: 'user::rw-,user:1000:rwx,group::r--,mask::rwx,other::r--' });
  expect(file?.xattrs).toEqual(new Map());
});

it('lets the nearest word count: an extended header, what holds for all, a long name, the header', async () => {
  const archive = Buffer.concat([
    extended({ gid: '7', uid: '5', 'SCHILY.xattr.user.all': 'v' }, 'g'),
    rawEntry({ type: 'L' }, 'long\0'),
    rawEntry({ name: 'short' }),
    rawEntry({ type: 'L' }, 'long\0'),
    extended({ path: 'longer', uid: '6', 'SCHILY.xattr.user.own': 'w' }),
    rawEntry({ name: 'short' }),
    rawEntry({ name: 'short' }),
    END,
  ]);
  expect(await readAll(archive)).toMatchObject([
    { name: bytes('long'), uid: 5, gid: 7 },
    {
      name: bytes('longer'),
      uid: 6,
      gid: 7,
      xattrs: new Map([
        ['user.all', bytes('v')],
        ['user.own', bytes('w')],
      ]),
    },
    { name: bytes('short'), uid: 5, gid: 7, xattrs: new Map([['user.all', bytes('v')]]) },
  ]);
});

it('reads a long name and a long target together', async () => {
  const [name, link] = ['n'.repeat(4096), 'l'.repeat(4096)];
  const file = await readOne(
    rawEntry({ type: 'K' }, `${link}\0`),
    rawEntry({ type: 'L' }, `${name}\0`),
    rawEntry({ type: '2', name: 'n', link: 'l' }),
  );
  expect(file).toMatchObject({ name: bytes(name), link: bytes(link) });
});

it('takes no map of a sparse file for all files', async () => {
  const map = { 'GNU.sparse.size': '3', 'GNU.sparse.offset': '1', 'GNU.sparse.numbytes': '2', path: 'name' };
  const file = await readOne(extended(map, 'g'), rawEntry({}, 'ab'));
  expect(file).toMatchObject({ name: bytes('name'), size: 2, content: bytes('ab') });
});

it('takes the size of what is stored from the extended header', async () => {
  const file = await readOne(extended({ size: '3' }), rawEntry({ size: '00000000000' }, 'abc'));
  expect(file).toMatchObject({ size: 3, content: bytes('abc') });
});

it('knows the sum of bytes with a sign', async () => {
  const header = rawHeader({ name: '\xff\xfe' });
  header.write(
    `${(Number.parseInt(header.toString('latin1', 148, 154), 8) - 512).toString(8).padStart(6, '0')}\0 `,
    FIELD.checksum[0],
  );
  expect(await readOne(header)).toMatchObject({ name: bytes('\xff\xfe') });
});

it.each<[string, RawFields]>([
  ['a hard link', { type: '1', link: 'x', size: '00000001000' }],
  ['a symbolic link', { type: '2', link: 'x', size: '00000001000' }],
  ['a directory', { type: '5', size: '00000001000' }],
  ['a device', { type: '3', size: '00000001000' }],
  ['a FIFO', { type: '6', size: '00000001000' }],
])('takes no content for %s, whatever its size', async (_what, fields) => {
  const files = await readAll(Buffer.concat([rawHeader(fields), rawEntry({ name: 'next' }, 'abc'), END]));
  expect(files).toMatchObject([{ size: 0, data: [] }, { content: bytes('abc') }]);
});

it("passes over a volume's label, and the list of files in a directory of GNU tar", async () => {
  const archive = Buffer.concat([
    rawEntry({ type: 'V', name: 'label' }),
    rawEntry({ type: 'D', name: 'd/' }, 'Yfile\0\0'),
    rawEntry({ name: 'd/file' }, 'abc'),
    END,
  ]);
  expect(await readAll(archive)).toMatchObject([
    { type: 'directory', size: 0, data: [] },
    { name: bytes('d/file'), content: bytes('abc') },
  ]);
});

it.each([
  ['two blocks of zeros', [END]],
  ['one block of zeros', [zeros(512)]],
  ['one block of zeros and a part', [zeros(700)]],
  ['zeros up to a whole record', [zeros(9216)]],
  ['anything behind the end', [END, Buffer.alloc(70_000, 'x')]],
])('ends with %s', async (_what, parts) => {
  const archive = Buffer.concat([rawEntry({ name: 'a' }, 'abc'), ...parts]);
  for (const chunkBytes of [100, 512, 100_000]) expect(await readAll(archive, chunkBytes)).toHaveLength(1);
});

it('reads an archive of nothing', async () => {
  expect(await readAll(zeros(10_240))).toEqual([]);
});

it('reads to the end of the source', async () => {
  let left = 3;
  async function* source() {
    yield END;
    for (; left > 0; left -= 1) yield Buffer.alloc(1000, 'x');
  }
  await readTar(source(), { entry() {}, data() {}, end() {} });
  expect(left).toBe(0);
});

it('passes errors of the visitor on', async () => {
  const error = new Error('disk full');
  const visitor = {
    entry() {
      throw error;
    },
    data() {},
    end() {},
  };
  await expect(readTar(chunksOf(rawEntry({}), 100), visitor)).rejects.toBe(error);
});

it('reads 20,000 entries quickly', async () => {
  const archive = Buffer.concat([
    ...Array.from({ length: 20_000 }, (_, index) =>
      Buffer.concat([
        extended({ mtime: `${index}.123456789`, 'SCHILY.xattr.security.capability': 'abc' }),
        rawEntry({ name: `usr/share/some/file${index}` }, 'content'),
      ]),
    ),
    END,
  ]);
  async function* source() {
    for (let at = 0; at < archive.length; at += 65_536) yield archive.subarray(at, at + 65_536);
  }
  let entries = 0;
  const before = process.cpuUsage();
  await readTar(source(), {
    entry: () => {
      entries += 1;
    },
    data() {},
    end() {},
  });
  const { user, system } = process.cpuUsage(before);
  expect(entries).toBe(20_000);
  // 0.1 s was seen.
  expect((user + system) / 1e6).toBeLessThan(1);
});
