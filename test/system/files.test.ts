import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as attributes from '../../src/system/extended-attributes.ts';
import * as files from '../../src/system/files.ts';
import * as statx from '../../src/system/statx.ts';

let base: string;
let fd: number;
beforeEach(() => {
  base = fs.mkdtempSync(path.join(os.tmpdir(), 'files-'));
  fd = fs.openSync(base, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
});
afterEach(() => {
  fs.closeSync(fd);
  fs.rmSync(base, { recursive: true });
});

const name = (text: string) => new files.CName().bytes(Buffer.from(text));
const at = (text: string) => path.join(base, text);
const ENOENT = -2;
const ENODATA = -61;
const EINVAL = -22;

describe('stat', () => {
  test.each(['file', 'directory', 'link', 'null'])('of a %s is what Node tells', (kind) => {
    fs.writeFileSync(at('file'), 'content', { mode: 0o640 });
    fs.mkdirSync(at('directory'));
    fs.symlinkSync('nowhere', at('link'));
    const where = kind === 'null' ? '/dev/null' : at(kind);
    const parent = kind === 'null' ? fs.openSync('/dev', 'r') : fd;
    const stat = statx.statEntry(parent, name(kind)) as statx.Stat;
    if (kind === 'null') fs.closeSync(parent);
    const expected = fs.lstatSync(where, { bigint: true });
    const time = (ns: bigint) => ({
      seconds: Number(ns / 1_000_000_000n),
      nanoseconds: Number(ns % 1_000_000_000n),
    });
    expect(stat).toEqual({
      mode: Number(expected.mode),
      nlink: Number(expected.nlink),
      uid: Number(expected.uid),
      gid: Number(expected.gid),
      ino: Number(expected.ino),
      size: Number(expected.size),
      blocks: Number(expected.blocks),
      rdevMajor: kind === 'null' ? 1 : 0,
      rdevMinor: kind === 'null' ? 3 : 0,
      devMajor: stat.devMajor,
      devMinor: stat.devMinor,
      atime: time(expected.atimeNs),
      mtime: time(expected.mtimeNs),
      ctime: time(expected.ctimeNs),
    });
    expect((BigInt(stat.devMajor) << 8n) | BigInt(stat.devMinor & 0xff)).toBe(expected.dev & 0xfffffn);
  });

  test('of nothing', () => {
    expect(statx.statEntry(fd, name('missing'))).toBe(ENOENT);
    expect(statx.statDescriptor(9999)).toBe(-9);
  });
});

test.each([
  [{ seconds: -1, nanoseconds: 5 }],
  [{ seconds: 0, nanoseconds: 0 }],
  [{ seconds: 2 ** 32 + 5, nanoseconds: 999_999_999 }],
])('times of %j, by name and by descriptor', (time) => {
  fs.writeFileSync(at('file'), '');
  expect(files.setTimes(fd, name('file'), time, undefined)).toBe(0);
  expect(statx.statEntry(fd, name('file'))).toMatchObject({ atime: time });
  const file = fs.openSync(at('file'), 'r');
  expect(files.setDescriptorTimes(file, undefined, time)).toBe(0);
  expect(statx.statDescriptor(file)).toMatchObject({ atime: time, mtime: time });
  fs.closeSync(file);
});

test('times of a link are its own', () => {
  fs.writeFileSync(at('file'), '');
  fs.symlinkSync('file', at('link'));
  const before = fs.statSync(at('file')).mtimeMs;
  expect(files.setTimes(fd, name('link'), 'now', { seconds: 7, nanoseconds: 8 })).toBe(0);
  expect(fs.statSync(at('file')).mtimeMs).toBe(before);
  expect(statx.statEntry(fd, name('link'))).toMatchObject({ mtime: { seconds: 7, nanoseconds: 8 } });
});

test("handles: the same by name and by descriptor, others for other files, also with an old one's number", () => {
  const seen = new Set<string>();
  for (let round = 0; round < 50; round += 1) {
    fs.writeFileSync(at('file'), '');
    const byName = Buffer.from(files.entryHandle(fd, name('file')) as Buffer);
    const file = fs.openSync(at('file'), 'r');
    expect(byName.equals(files.descriptorHandle(file) as Buffer)).toBe(true);
    fs.closeSync(file);
    fs.unlinkSync(at('file'));
    seen.add(byName.toString('hex'));
  }
  expect(seen.size).toBe(50);
  expect(files.entryHandle(fd, name('missing'))).toBe(ENOENT);
});

test('directories are read from any entry on', () => {
  for (let index = 0; index < 10; index += 1) fs.writeFileSync(at(String(index)), '');
  const buffer = Buffer.alloc(4096);
  const read = (from: bigint) => {
    expect(files.seekDirectory(fd, from)).toBe(0);
    const length = files.readEntries(fd, buffer);
    const offsets: bigint[] = [];
    for (let position = 0; position < length; position += buffer.readUInt16LE(position + 16)) {
      offsets.push(buffer.readBigInt64LE(position + 8));
    }
    return offsets;
  };
  const all = read(0n);
  expect(all.length).toBe(12);
  for (const [index, offset] of all.entries()) expect(read(offset)).toEqual(all.slice(index + 1));
  expect(files.seekDirectory(fd, -1n)).toBe(EINVAL);
});

test('extended attributes, by descriptor and by name, never through a link', () => {
  fs.writeFileSync(at('file'), '');
  fs.symlinkSync('file', at('link'));
  const attribute = Buffer.from('user.test\0');
  const value = Buffer.alloc(10);
  const file = fs.openSync(at('file'), 'r+');
  expect(attributes.getAttribute(file, attribute, value)).toBe(ENODATA);
  expect(attributes.setAttribute(file, attribute, Buffer.from('abc'))).toBe(0);
  expect(attributes.getAttribute(file, attribute, value)).toBe(3);
  expect(attributes.getEntryAttribute(fd, name('file'), attribute, value)).toBe(3);
  expect(value.toString('latin1', 0, 3)).toBe('abc');
  expect(attributes.getEntryAttribute(fd, name('link'), attribute, value)).toBeLessThan(0);
  expect(attributes.setAttribute(file, attribute, Buffer.alloc(11))).toBe(0);
  expect(attributes.getAttribute(file, attribute, value)).toBe(-34);
  expect(attributes.removeAttribute(file, attribute)).toBe(0);
  expect(attributes.removeAttribute(file, attribute)).toBe(ENODATA);
  fs.closeSync(file);
});

test('a file without a name gets one, once', () => {
  const O_TMPFILE = 0o20200000;
  const file = fs.openSync(base, O_TMPFILE | fs.constants.O_RDWR);
  expect(files.writeAt(file, Buffer.from('content'), 7, 2)).toBe(7);
  expect(files.linkDescriptor(file, fd, name('named'))).toBe(0);
  expect(files.linkDescriptor(file, fd, name('named'))).toBe(-17);
  fs.closeSync(file);
  expect(fs.readFileSync(at('named'), 'latin1')).toBe('\0\0content');
});

test('reads what is in memory at once', () => {
  fs.writeFileSync(at('file'), 'content');
  const file = fs.openSync(at('file'), 'r');
  const reader = new files.CacheReader(16);
  expect(reader.read(file, 16, 3)).toBe(4);
  expect(reader.buffer.toString('latin1', 0, 4)).toBe('tent');
  expect(reader.read(file, 16, 100)).toBe(0);
  fs.closeSync(file);
});

test('names are bytes, up to 255 of them', () => {
  const long = Buffer.alloc(255, 0xff);
  expect(files.makeDirectory(fd, new files.CName().bytes(long), 0o700)).toBe(0);
  expect(fs.readdirSync(Buffer.from(base), { encoding: 'buffer' })).toEqual([long]);
  const again = new files.CName().latin1(long.toString('latin1'));
  expect(files.renameEntry(fd, again, fd, name('short'))).toBe(0);
  expect(files.unlinkEntry(fd, name('short'), 0)).toBe(-21);
  expect(files.unlinkEntry(fd, name('short'), files.AT_REMOVEDIR)).toBe(0);
});
