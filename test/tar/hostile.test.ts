/** Archives that are damaged, or made to do harm: each gives its own words and nothing else. */
import { expect, it } from 'vitest';
import { TarError } from '../../src/tar/entry.ts';
import { padded } from '../../src/tar/header.ts';
import { END, extended, rawEntry, rawHeader, readUntilError, zeros } from './archives.ts';

const good = rawEntry({ name: 'good' }, 'content');
const sparse10 = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '1000' };
const map01 = { 'GNU.sparse.major': '0', 'GNU.sparse.minor': '1', 'GNU.sparse.size': '100' };
const oldSparse = (pairs: string, realSize = '00000001000', type = 'S') =>
  rawHeader({ type, size: '00000000010', magic: 'ustar  \0' }, (header) => {
    header.write(pairs, 386, 'latin1');
    header.write(realSize, 483);
  });
const binary = (bytes: string) => Buffer.from(bytes, 'hex').toString('latin1');

const TABLE: readonly [what: string, archive: Buffer[], problem: RegExp][] = [
  ['nothing', [], /^not a tar archive: it is empty$/],
  ['text', [Buffer.from('#!/bin/sh\nexit 0\n')], /^not a tar archive$/],
  ['a block of text', [Buffer.alloc(5120, 'some text ')], /^not a tar archive$/],
  [
    'a block with a wrong sum',
    [rawHeader({}, (header) => header.fill('9', 148, 154)).fill('1', 0, 1)],
    /^not a tar/,
  ],
  [
    'a wrong sum later',
    [good, good.map((byte, at) => (at === 0 ? byte + 1 : byte)) as Buffer, END],
    /^damaged: no header behind good \(at byte 1024\)$/,
  ],
  ['no end marker', [good], /^truncated behind good \(at byte 1024\)$/],
  ['a header cut', [good, good.subarray(0, 511)], /^truncated behind good \(at byte 1535\)$/],
  ['content cut', [good.subarray(0, 514)], /^truncated in good \(at byte 514\)$/],
  ['padding cut', [good.subarray(0, 1023)], /^truncated in good \(at byte 1023\)$/],
  ['an extended header cut', [extended({ path: 'x' }).subarray(0, 1000)], /^truncated in PaxHeaders\/x/],
  ['a size that never comes', [rawHeader({ size: '77777777777' }), zeros(2048)], /^truncated in file/],
  [
    'one block of zeros alone',
    [good, zeros(512), good, END],
    /^damaged: a block of zeros behind good \(at byte 1024\)$/,
  ],
  [
    'an extended header of nothing',
    [extended({ path: 'x' }), END],
    /^damaged: no entry behind PaxHeaders\/x/,
  ],
  ['a long name of nothing', [rawEntry({ type: 'L' }, 'name\0'), END], /^damaged: no entry behind/],
  [
    'a name of 10 MB',
    [rawEntry({ type: 'L' }, Buffer.alloc(1e7, 'n')), good, END],
    /^a name of 10000000 bytes/,
  ],
  [
    'a name of 5000 bytes',
    [extended({ path: 'n'.repeat(5000) }), good, END],
    /^a name of 5000 bytes: PaxHeaders\/x|^a name of 5000/,
  ],
  [
    'a target of 5000 bytes',
    [extended({ linkpath: 'n'.repeat(5000) }), rawEntry({ type: '2' }), END],
    /^a link of 5000/,
  ],
  [
    '2 MiB of extended header',
    [rawEntry({ type: 'x' }, Buffer.alloc(2 ** 21, '\n')), good, END],
    /^too long extended/,
  ],
  [
    'many extended headers',
    [...Array(5).fill(extended({ comment: 'c'.repeat(3e5) })), good, END],
    /^too long extended/,
  ],
  [
    'many global headers',
    [...Array(5).fill(extended({ comment: 'c'.repeat(3e5) }, 'g')), good, END],
    /^too long extended/,
  ],
  ['an extended header of 8 GB', [rawHeader({ type: 'x', size: '77777777777' })], /^too long extended/],
  ['no name', [rawEntry({ name: '' }, 'x'), END], /^a name of no bytes/],
  ['no target', [rawEntry({ type: '2' }), END], /^a link of no bytes: file/],
  ['a NUL in a name', [extended({ path: 'a\0b' }), good, END], /^a NUL in a name: PaxHeaders\/x/],
  [
    'a NUL in an attribute',
    [extended({ 'SCHILY.xattr.user.a\0b': 'v' }), good, END],
    /^an attribute without a name/,
  ],
  [
    'an attribute without a name',
    [extended({ 'SCHILY.xattr.': 'v' }), good, END],
    /^an attribute without a name/,
  ],
  [
    'a kernel ACL of one byte',
    [extended({ 'SCHILY.xattr.system.posix_acl_access': 'v' }), good, END],
    /^ACL that can not/,
  ],
  [
    'a record without a length',
    [rawEntry({ type: 'x' }, 'path=x\n'), good, END],
    /^damaged extended header: file \(at byte 0\)$/,
  ],
  ['a record without an end', [rawEntry({ type: 'x' }, '12 path=xxxxxxxx'), good, END], /^damaged extended/],
  ['a record that is too long', [rawEntry({ type: 'x' }, '99 path=x\n'), good, END], /^damaged extended/],
  [
    'a record that does not end its line',
    [rawEntry({ type: 'x' }, '10 path=xx10 path=xx'), good, END],
    /^damaged extended/,
  ],
  ['a record of no bytes', [rawEntry({ type: 'x' }, '0 path=x\n'), good, END], /^damaged extended/],
  ['a record without =', [rawEntry({ type: 'x' }, '9 path x\n'), good, END], /^damaged extended/],
  [
    'a record with = behind it',
    [rawEntry({ type: 'x' }, '7 path\n8 a=bcd\n'), good, END],
    /^damaged extended/,
  ],
  [
    'a record with a huge length',
    [rawEntry({ type: 'x' }, '99999999999 path=x\n'), good, END],
    /^damaged extended/,
  ],
  ['only digits', [rawEntry({ type: 'x' }, '1234567'), good, END], /^damaged extended/],
  ['a size of letters', [rawEntry({ size: 'abcdefghijk' }), END], /^the header has something else.*: file/],
  ['digits beyond octal', [rawEntry({ size: '00000000009' }), END], /^the header has something else/],
  [
    'a negative size',
    [rawEntry({ size: binary('fffffffffffffffffffffff8') }), END],
    /^impossible size \(-8\): file/,
  ],
  ['a size beyond all', [rawEntry({ size: binary('80ffffffffffffffffffffff') }), END], /^impossible size/],
  ['a pax size of letters', [extended({ size: '12x' }), good, END], /^impossible size/],
  ['a negative pax size', [extended({ size: '-12' }), good, END], /^impossible size/],
  ['a pax size beyond all', [extended({ size: '9'.repeat(30) }), good, END], /^impossible size/],
  ['a pax size of 1 MB of digits', [extended({ size: '9'.repeat(1e6) }), good, END], /^impossible size/],
  ['an owner beyond all', [rawEntry({ uid: binary('8000000100000000') }), END], /^impossible owner/],
  ['the owner -1', [extended({ uid: '4294967295' }), good, END], /^impossible owner/],
  ['a negative owner', [rawEntry({ uid: binary('ffffffffffffffff') }), END], /^impossible owner/],
  [
    'a device beyond all',
    [rawEntry({ type: '3', major: binary('8000000100000000') }), END],
    /^impossible device/,
  ],
  ['a time of letters', [extended({ mtime: 'noon' }), good, END], /^impossible time/],
  ['a time beyond all', [rawEntry({ mtime: binary('807fffffffffffffffffffff') }), END], /^impossible time/],
  ['a pax time beyond all', [extended({ mtime: '9'.repeat(40) }), good, END], /^impossible time/],
  ['an unknown type', [rawEntry({ type: 'Z' }), END], /^unknown type Z: file/],
  ['a type that is no letter', [rawEntry({ type: '\x1b' }), END], /^unknown type \?: file/],
  [
    'a part of another volume',
    [rawEntry({ type: 'M' }, 'x'), END],
    /^it continues a file of another volume.*: file/,
  ],
  ['a list of long names', [rawEntry({ type: 'N' }, 'x'), END], /^a list of long names.*: file/],
  ['a sparse file of star', [rawEntry({ type: 'S' }, 'x'), END], /^a sparse file in the form of star/],
  [
    'a sparse file of no known version',
    [extended({ ...sparse10, 'GNU.sparse.major': '2' }), good, END],
    /^version 2\.0 of/,
  ],
  [
    'a sparse file without a size',
    [extended({ 'GNU.sparse.map': '0,7' }), good, END],
    /^a sparse file without a size/,
  ],
  [
    'a map without its lines',
    [extended(sparse10), rawEntry({}, 'no map'), END],
    /^the map of the sparse file is damaged/,
  ],
  [
    'a map of empty lines',
    [extended(sparse10), rawEntry({}, '\n\n\n'), END],
    /^the map of the sparse file is damaged/,
  ],
  [
    'a map that never ends',
    [extended(sparse10), rawEntry({}, '1'.repeat(600)), END],
    /^the map of the sparse file is damaged/,
  ],
  [
    'a map of a billion parts',
    [extended(sparse10), rawEntry({}, '1000000000\n'), END],
    /^impossible number of parts/,
  ],
  [
    'a map longer than the file',
    [extended(sparse10), rawEntry({}, '200000\n0\n1\n'), good, END],
    /^the map of the sparse/,
  ],
  [
    'a map beyond the size',
    [extended(sparse10), rawEntry({}, `1\n990\n20\n${'\0'.repeat(503)}${'x'.repeat(20)}`), END],
    /^the map of the sparse file goes beyond/,
  ],
  [
    'a map for other data',
    [extended(sparse10), rawEntry({}, `1\n0\n20\n${'\0'.repeat(505)}${'x'.repeat(21)}`), END],
    /^the map of the sparse file disagrees/,
  ],
  [
    'an odd list',
    [extended({ ...map01, 'GNU.sparse.map': '0,7,8' }), good, END],
    /^the map of the sparse file lacks/,
  ],
  [
    'a list of letters',
    [extended({ ...map01, 'GNU.sparse.map': '0,x' }), good, END],
    /^impossible length in the map/,
  ],
  [
    'a list of commas',
    [extended({ ...map01, 'GNU.sparse.map': ','.repeat(1e6 - 1) }), good, END],
    /^impossible offset in the map/,
  ],
  [
    'a list backwards',
    [extended({ ...map01, 'GNU.sparse.map': '9,3,0,4' }), good, END],
    /^the map of the sparse file is not in order/,
  ],
  [
    'a list that overlaps',
    [extended({ ...map01, 'GNU.sparse.map': '0,4,3,3' }), good, END],
    /^the map of the sparse file is not in order/,
  ],
  [
    'a length without an offset',
    [extended({ 'GNU.sparse.numbytes': '7' }), good, END],
    /^the map of the sparse file has no offset/,
  ],
  [
    'an old map backwards',
    [oldSparse('00000000100\x0000000000004\x0000000000000\x0000000000004\0'), zeros(512), END],
    /^the map of the sparse file is not in order/,
  ],
  [
    'an old map beyond the size',
    [oldSparse('00000001000\x0000000000010\0'), zeros(512), END],
    /^the map of the sparse file goes beyond/,
  ],
  [
    'an old map of letters',
    [oldSparse('hello world\x0000000000010\0'), zeros(512), END],
    /^the header has something else/,
  ],
];

it.each(TABLE)('%s', async (_what, parts, problem) => {
  for (const chunkBytes of [undefined, 1000]) {
    const { error } = await readUntilError(Buffer.concat(parts), chunkBytes);
    expect(error).toBeInstanceOf(TarError);
    expect((error as TarError).message).toMatch(problem);
  }
});

it('shows a name without what a terminal obeys, and not all of a long one', async () => {
  const name = `a\x1b[2J\n\x9b${'b'.repeat(1000)}`;
  const { error } = await readUntilError(
    Buffer.concat([extended({ path: name }), rawEntry({ size: '0000000000x' })]),
  );
  expect(String(error)).toMatch(/^TarError: [ -~\ufffd]{100,300}$/);
});

it('keeps little of a map that is long', async () => {
  const lines = Buffer.alloc(padded(2_000_007));
  lines.write(`500000\n${'0\n0\n'.repeat(500_000)}`);
  const archive = Buffer.concat([extended(sparse10), rawEntry({}, lines), END]);
  const { files, error } = await readUntilError(archive);
  expect(error).toBeUndefined();
  expect(files).toMatchObject([{ size: 1000, data: [] }]);
});
