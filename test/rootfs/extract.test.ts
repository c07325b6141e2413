/** Archives that become trees, read back by what else reads them. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { judgeContents } from '../../src/rootfs/contents.ts';
import { entryNames } from '../../src/rootfs/entries.ts';
import { Extraction, type ExtractOptions } from '../../src/rootfs/extract.ts';
import { ATTRIBUTE } from '../../src/rootfs/owner.ts';
import { UNLIMITED } from '../../src/rootfs/quota.ts';
import { readAttributes, readStored, type StoredFile } from '../../src/rootfs/stored-file.ts';
import { getEntryAttribute } from '../../src/system/extended-attributes.ts';
import { CName } from '../../src/system/files.ts';
import type { TarEntry, TarExtent } from '../../src/tar/entry.ts';
import { readTar } from '../../src/tar/reader.ts';
import { END_MARKER, headerOf, padding } from '../../src/tar/writer.ts';

const ROOT = { uid: 0, gid: 0 };
const TIME = { seconds: 1_234_567_890, nanoseconds: 123_456_789 };
const NOTHING = Buffer.alloc(0);

let top: string;
let umask: number;
beforeEach(() => {
  top = fs.mkdtempSync(path.join(os.tmpdir(), 'extract-'));
  fs.chmodSync(top, 0o755);
  umask = process.umask(0);
});
afterEach(() => {
  process.umask(umask);
  fs.rmSync(top, { recursive: true });
});

type Fields = Partial<Omit<TarEntry, 'name' | 'link' | 'size'>>;

function bytes(text: string | Buffer): Buffer {
  return typeof text === 'string' ? Buffer.from(text) : text;
}

/** An entry of an archive, with its content. */
function item(name: string | Buffer, content: string | Buffer, fields: Fields = {}): Buffer {
  const isLink = fields.type === 'symlink' || fields.type === 'hardlink';
  const data = isLink ? NOTHING : bytes(content);
  const entry: TarEntry = {
    ...{ name: bytes(name), type: 'file', mode: 0o644, uid: 0, gid: 0, major: 0, minor: 0, mtime: TIME },
    ...{ size: data.length, link: isLink ? bytes(content) : NOTHING, xattrs: new Map(), acl: {} },
    ...fields,
  };
  return Buffer.concat([headerOf(entry), data, padding(data.length)]);
}

const file = (name: string | Buffer, content = '', fields: Fields = {}) => item(name, content, fields);
const directory = (name: string | Buffer, fields: Fields = {}) =>
  item(name, '', { type: 'directory', mode: 0o755, ...fields });
const symlink = (name: string | Buffer, target: string | Buffer) => item(name, target, { type: 'symlink' });
const hardlink = (name: string, target: string) => item(name, target, { type: 'hardlink' });

async function extract(items: readonly Buffer[], options: Partial<ExtractOptions> = {}): Promise<Extraction> {
  const fd = fs.openSync(top, 'r');
  const all = { fd, unattributed: ROOT, limits: UNLIMITED, named: undefined, warn: () => {}, ...options };
  const extraction = new Extraction(all);
  try {
    const archive = Buffer.concat([...items, END_MARKER]);
    await readTar(chunks(archive), extraction);
    extraction.finish();
    return extraction;
  } finally {
    extraction.close();
    fs.closeSync(fd);
  }
}

/** As untar gives them: a buffer that is used again. */
async function* chunks(archive: Buffer): AsyncGenerator<Buffer, void, void> {
  const buffer = Buffer.alloc(1000);
  for (let at = 0; at < archive.length; at += buffer.length) {
    yield buffer.subarray(0, archive.copy(buffer, 0, at));
  }
  buffer.fill(0xff);
}

const at = (...names: string[]) => path.join(top, ...names);
const names = () => fs.readdirSync(top, { recursive: true, encoding: 'utf8' }).sort();

/** What the board's system sees. */
function inParent<T>(name: string, look: (parent: number, entry: Buffer, stored: StoredFile) => T): T {
  const parent = fs.openSync(at(path.dirname(name)), 'r');
  try {
    const entry = new CName().latin1(path.basename(name));
    const stored = readStored(parent, entry, ROOT);
    if (stored === undefined) throw new Error(`${name} is missing`);
    return look(parent, entry, stored);
  } finally {
    fs.closeSync(parent);
  }
}

const seen = (name: string) =>
  inParent(name, (_parent, _entry, { owner: { type, mode, uid, gid, major, minor } }) => ({
    ...{ type, mode: mode.toString(8), ids: `${uid}:${gid}`, device: `${major},${minor}` },
  }));
const attributes = (name: string) => inParent(name, readAttributes);
const hasOwner = (name: string) =>
  inParent(name, (parent, entry) => getEntryAttribute(parent, entry, ATTRIBUTE, Buffer.alloc(100)) > 0);

const timeOf = (name: string) => fs.statSync(at(name), { bigint: true }).mtimeNs;
const EXPECTED_TIME = 1_234_567_890_123_456_789n;

describe('entries', () => {
  test('of all types, with their owners, modes and times', async () => {
    const done = await extract([
      directory('./', { mode: 0o711, uid: 1, gid: 2 }),
      directory('./bin/', { mode: 0o1777, gid: 50 }),
      file('./bin/su', 'su', { mode: 0o4755 }),
      file('./plain', 'plain'),
      file('./secret', '', { mode: 0 }),
      file('./alice', '', { uid: 1000, gid: 100, mode: 0o600 }),
      symlink('./link', '../../etc/passwd'),
      item('./null', '', { type: 'character', major: 1, minor: 3, mode: 0o666 }),
      item('./disk', '', { type: 'block', major: 259, minor: 1_048_575, mode: 0o660, gid: 6 }),
      item('./fifo', '', { type: 'fifo', mode: 0o640 }),
      hardlink('./hard', './plain'),
    ]);
    expect(done).toMatchObject({ entries: 11, bytes: 7 });
    expect(['bin', 'bin/su', 'plain', 'secret', 'alice'].map(seen)).toEqual([
      { type: 2, mode: '1777', ids: '0:50', device: '0,0' },
      { type: 1, mode: '4755', ids: '0:0', device: '0,0' },
      { type: 1, mode: '644', ids: '0:0', device: '0,0' },
      { type: 1, mode: '0', ids: '0:0', device: '0,0' },
      { type: 1, mode: '600', ids: '1000:100', device: '0,0' },
    ]);
    expect(['link', 'null', 'disk', 'fifo'].map(seen)).toEqual([
      { type: 5, mode: '777', ids: '0:0', device: '0,0' },
      { type: 4, mode: '666', ids: '0:0', device: '1,3' },
      { type: 3, mode: '660', ids: '0:6', device: '259,1048575' },
      { type: 7, mode: '640', ids: '0:0', device: '0,0' },
    ]);
    expect(seen('.')).toMatchObject({ mode: '711', ids: '1:2' });
    for (const name of names()) {
      expect(timeOf(name)).toBe(EXPECTED_TIME);
      // Nothing that the machine itself would obey.
      const { mode } = fs.lstatSync(at(name));
      expect([0o040000, 0o100000]).toContain(mode & 0o170000);
      expect(mode & 0o7000).toBe(0);
      expect(mode & 0o600).toBe(0o600);
    }
    expect(timeOf('.')).toBe(EXPECTED_TIME);
    expect(fs.readFileSync(at('link'), 'latin1')).toBe('../../etc/passwd');
    expect(fs.statSync(at('hard')).ino).toBe(fs.statSync(at('plain')).ino);
  });

  test('whose owner is the one of files without the attribute have none', async () => {
    await extract([file('a', '', { uid: 7, gid: 8 }), file('b')], { unattributed: { uid: 7, gid: 8 } });
    expect(['a', 'b', '.'].map(hasOwner)).toEqual([false, true, true]);
    expect(['b', '.'].map(seen)).toMatchObject([{ ids: '0:0' }, { ids: '0:0' }]);
  });

  test('with odd names', async () => {
    const odd = Buffer.from('\xff\n\x01 \\', 'latin1');
    const long = Buffer.alloc(255, 0xe4);
    await extract([
      file(odd, '1'),
      file('.//a/./b//c', '2'),
      directory('d/.'),
      file(Buffer.concat([long, Buffer.from('/'), long]), '3'),
      file(`${'e/'.repeat(2040)}f`, '4'),
    ]);
    const list = fs
      .readdirSync(Buffer.from(top), { encoding: 'buffer' })
      .map((name) => name.toString('latin1'));
    expect(list.sort()).toEqual([odd.toString('latin1'), 'a', 'd', 'e', long.toString('latin1')].sort());
    expect(fs.readFileSync(at('a/b/c'), 'latin1')).toBe('2');
    fs.rmSync(at('e'), { recursive: true });
  });

  test('with holes keep them', async () => {
    const extents: TarExtent[] = [
      { offset: 4096, length: 5 },
      { offset: 1 << 20, length: 4096 },
    ];
    const entry: TarEntry = {
      ...{ name: Buffer.from('sparse'), type: 'file', mode: 0o644, uid: 0, gid: 0, major: 0, minor: 0 },
      ...{ mtime: TIME, size: 8 << 20, link: NOTHING, xattrs: new Map(), acl: {} },
    };
    const data = Buffer.alloc(4101, 'x');
    await extract([headerOf(entry, extents), data, padding(data.length)]);
    const { size, blocks } = fs.statSync(at('sparse'));
    expect(size).toBe(8 << 20);
    expect(blocks * 512).toBeLessThan(64 * 1024);
    const content = fs.readFileSync(at('sparse'));
    expect(content.toString('latin1', 4095, 4102)).toBe('\0xxxxx\0');
    expect(content.subarray((1 << 20) + 4090, (1 << 20) + 4098).toString('latin1')).toBe('xxxxxx\0\0');
  });

  test('in directories that come late, or never', async () => {
    await extract([
      file('a/b/file', 'x'),
      directory('a', { uid: 5, mode: 0o700 }),
      file('a/another'),
      directory('z/y/x'),
    ]);
    expect(seen('a')).toMatchObject({ ids: '5:0', mode: '700' });
    expect(timeOf('a')).toBe(EXPECTED_TIME);
    expect(seen('a/b')).toMatchObject({ ids: '0:0', mode: '755' });
    expect(timeOf('z/y/x')).toBe(EXPECTED_TIME);
  });

  test('in more directories than can be open', async () => {
    const numbers = Array.from({ length: 1000 }, (_, index) => index);
    const before = fs.readdirSync('/proc/self/fd').length;
    await extract([
      ...numbers.map((number) => directory(`d${number}`)),
      ...numbers.map((number) => file(`d${number}/a`, String(number))),
      ...numbers.map((number) => file(`d${number}/b`)),
    ]);
    expect(fs.readdirSync('/proc/self/fd').length).toBe(before);
    for (const number of [0, 1, 500, 998, 999]) {
      expect(timeOf(`d${number}`)).toBe(EXPECTED_TIME);
      expect(fs.readFileSync(at(`d${number}/a`), 'latin1')).toBe(String(number));
    }
  });
});

describe('attributes', () => {
  test('as the account stores them', async () => {
    const binary = Buffer.from([0, 1, 0xff]);
    await extract([
      file('caps', '', {
        xattrs: new Map([
          ['security.capability', binary],
          ['user.mine', Buffer.from('x')],
          ['trusted.\xe4', NOTHING],
        ]),
      }),
      item('link', 'target', { type: 'symlink', xattrs: new Map([['trusted.x', binary]]) }),
      directory('dir', { xattrs: new Map([['user.d', binary]]) }),
    ]);
    expect([...attributes('caps').xattrs].sort()).toEqual([
      ['security.capability', binary],
      ['trusted.\xe4', NOTHING],
      ['user.mine', Buffer.from('x')],
    ]);
    expect([...attributes('link').xattrs]).toEqual([['trusted.x', binary]]);
    expect([...attributes('dir').xattrs]).toEqual([['user.d', binary]]);
  });

  test('ACLs settle the mode', async () => {
    const access = 'user::rw-,user:1000:r--,group::---,mask::r--,other::---';
    await extract([
      file('acl', '', { mode: 0o666, acl: { access } }),
      directory('dir', { acl: { default: 'user::rwx,group::r-x,other::---' } }),
    ]);
    expect(seen('acl')).toMatchObject({ mode: '640' });
    expect(attributes('acl').accessAcl).toBeDefined();
    expect(attributes('dir').defaultAcl).toBeDefined();
  });

  test('that tell how files are stored are left out, with a word', async () => {
    const said: string[] = [];
    const evil = new Map([['user.rsync.%stat', Buffer.from('104755 0,0 0:0')]]);
    await extract([file('a', '', { uid: 5, xattrs: evil }), file('b', '', { xattrs: evil })], {
      warn: (message) => said.push(message),
    });
    expect(seen('a')).toMatchObject({ mode: '644', ids: '5:0' });
    expect(said).toEqual([expect.stringMatching(/^a: attributes user\.rsync\.\* /)]);
  });

  test('that are too large are refused by the name of their file', async () => {
    const large = new Map([['user.large', Buffer.alloc(65_000)]]);
    await expect(extract([file('etc/big', '', { xattrs: large })])).rejects.toThrow(
      "etc/big: the file system can't hold its attribute user.large (65000 bytes)",
    );
  });
});

describe('of entries with one name the last one counts', () => {
  test.each<[string, Buffer[], Record<string, unknown>]>([
    ['file, file', [file('x', 'long content'), file('x', 'new', { uid: 5 })], { ids: '5:0', mode: '644' }],
    ['link, file', [symlink('x', '/etc'), file('x', 'new')], { type: 1, ids: '0:0' }],
    ['file, link', [file('x', 'old', { uid: 5 }), symlink('x', 'new')], { type: 5, ids: '0:0' }],
    ['empty directory, file', [directory('x'), file('x', 'new')], { type: 1 }],
    [
      'directory, directory',
      [directory('x', { uid: 5 }), directory('x', { mode: 0o500 })],
      { mode: '500', ids: '0:0' },
    ],
    ['file, directory', [file('x'), directory('x')], { type: 2 }],
    ['link, directory', [symlink('x', '/etc'), directory('x'), file('x/y')], { type: 2 }],
    ['file, its own hard link', [file('x', 'new'), hardlink('./x', 'x')], { type: 1 }],
  ])('%s', async (_, items, expected) => {
    await extract(items);
    expect(seen('x')).toMatchObject(expected);
    if (fs.statSync(at('x')).isFile()) expect(fs.readFileSync(at('x'), 'latin1')).toBe('new');
    expect(timeOf('x')).toBe(EXPECTED_TIME);
  });

  test('hard links break off', async () => {
    await extract([
      file('a', 'one'),
      hardlink('b', 'a'),
      hardlink('c', 'b'),
      file('b', 'two'),
      hardlink('c', 'b'),
    ]);
    expect(['a', 'b', 'c'].map((name) => fs.readFileSync(at(name), 'latin1'))).toEqual(['one', 'two', 'two']);
  });

  test('a directory that became a file is closed', async () => {
    const items = Array.from({ length: 10 }, () => [directory('x'), file('x', 'new')]).flat();
    await extract([...items, directory('x'), file('x/y', 'z')]);
    expect(fs.readFileSync(at('x/y'), 'latin1')).toBe('z');
  });
});

describe('refused', () => {
  const long = 'n'.repeat(256);
  test.each<[string, Buffer[], RegExp]>([
    ['an absolute name', [file('/etc/passwd')], /^\/etc\/passwd: an absolute name$/],
    ['..', [file('..')], /^\.\.: a name with "\.\."$/],
    ['a name that leads out', [file('a/../../x')], /a name with "\.\."/],
    ['a name that would stay', [file('a/../x')], /a name with "\.\."/],
    ['a long name', [file(`a/${long}`)], /a name of 256 bytes, where 255 are possible/],
    ['a long path', [file(`${'a/'.repeat(2047)}bb`)], /a name of more than 4095 bytes/],
    [
      'a file through a link',
      [symlink('a', '/tmp'), file('a/x')],
      /^a\/x: it lies beneath a, which is no directory/,
    ],
    [
      'a file through a file',
      [file('a'), file('a/b/c')],
      /^a\/b\/c: it lies beneath a, which is no directory/,
    ],
    ['a directory through a link', [symlink('a', '.'), directory('a/x')], /it lies beneath a, which/],
    ['a link through a link', [symlink('a', '.'), symlink('a/x', 'y')], /it lies beneath a, which/],
    ['a hard link through a link', [symlink('a', '.'), file('f'), hardlink('a/x', 'f')], /it lies beneath a/],
    [
      'a hard link outside',
      [hardlink('x', '/etc/passwd')],
      /^x: a hard link to \/etc\/passwd: an absolute name$/,
    ],
    ['a hard link with ..', [hardlink('x', '../x')], /^x: a hard link to \.\.\/x: a name with "\.\."$/],
    [
      'a hard link to nothing',
      [hardlink('x', 'y')],
      /^x: a hard link to y, which is not in the archive before it$/,
    ],
    ['a hard link to what comes later', [hardlink('x', 'y'), file('y')], /not in the archive before it/],
    [
      'a hard link to a directory',
      [directory('d'), hardlink('x', 'd')],
      /a hard link to d, which is a directory/,
    ],
    ['a hard link to the top', [hardlink('x', '.')], /a hard link to a directory/],
    [
      'a hard link to what lies behind a link',
      [symlink('a', '/etc'), hardlink('x', 'a/passwd')],
      /not in the archive/,
    ],
    [
      'a file for a full directory',
      [file('d/x'), file('d')],
      /^d: it would replace a directory that is not empty$/,
    ],
    ['a hard link for a full directory', [file('f'), file('d/x'), hardlink('d', 'f')], /not empty/],
    ['a file for the top', [file('.')], /^\.: the top of the tree must be a directory$/],
    ['an ACL that is none', [file('x', '', { acl: { access: 'nonsense' } })], /^x: .*ACL/],
    ['a terminal sequence', [file('\x1b[2J/../x')], /^\?\[2J\/\.\.\/x: a name with/],
  ])('%s', async (_, items, message) => {
    await expect(extract(items)).rejects.toThrow(
      expect.objectContaining({ name: 'RootError', message: expect.stringMatching(message) }),
    );
  });

  test('a link with a long target', async () => {
    await expect(extract([symlink('x', 't'.repeat(4096))])).rejects.toThrow(
      /a symbolic link to a name of 4096 bytes/,
    );
    await extract([symlink('y', 't'.repeat(4095))]);
  });
});

describe('limits end it where they are passed', () => {
  const limited = (bytes: number, files = 100) => ({ limits: { bytes, files } });

  test('of bytes', async () => {
    await expect(extract([file('a', 'x'.repeat(1 << 20))], limited(256 * 1024))).rejects.toThrow(
      /your quota leaves room for/,
    );
    expect(fs.statSync(at('a')).size).toBeLessThanOrEqual(256 * 1024);
  });

  test('in whole blocks', async () => {
    const small = Array.from({ length: 10 }, (_, index) => file(`f${index}`, 'x'));
    await extract(small, limited(11 * 4096));
    await expect(
      extract(
        small.map((_, index) => file(`g${index}`, 'x')),
        limited(11 * 4096 - 1),
      ),
    ).rejects.toThrow(/quota/);
  });

  test('of what is neither a file nor its data: attributes, and names of hard links', async () => {
    const xattrs = new Map([['user.x', Buffer.alloc(3800)]]);
    const marked = Array.from({ length: 300 }, (_, index) => item(`f${index}`, '', { xattrs }));
    await expect(extract(marked, limited(1 << 20, 1000))).rejects.toThrow(/your quota leaves room for/);
    expect(names().length).toBeLessThan(260);
    const links = Array.from({ length: 5000 }, (_, index) =>
      item(`d/${'n'.repeat(240)}${index}`, 'd/f', { type: 'hardlink' }),
    );
    await expect(extract([file('d/f', 'x'), ...links], limited(1 << 20, 1000))).rejects.toThrow(
      /your quota leaves room for/,
    );
  });

  test('as measured, not as estimated: what a duplicate replaces does not count', async () => {
    const same = Array.from({ length: 50 }, () => file('a', 'x'.repeat(4096)));
    await extract(same, limited(5 * 4096, 3));
  });

  test('of files, whatever they are', async () => {
    const nodes = Array.from({ length: 10 }, (_, index) =>
      item(`n${index}`, '', { type: 'character', major: 1, minor: index }),
    );
    await expect(extract(nodes, limited(1e9, 10))).rejects.toThrow(
      /more files than your quota leaves room for \(10\)/,
    );
    expect(names().length).toBe(10);
    await expect(extract([directory('a/b/c')], limited(1e9, 3))).rejects.toThrow(/more files than/);
  });
});

describe('contents', () => {
  const judge = () => {
    const fd = fs.openSync(top, 'r');
    try {
      expect(entryNames(fd).length).toBeLessThan(10);
      return judgeContents(fd);
    } finally {
      fs.closeSync(fd);
    }
  };

  test('nothing at all', async () => {
    await extract([directory('./')]);
    expect(judge).toThrow(/The archive is empty; for an empty root there is "root reset"/);
  });

  test('a tar in a tar, or something like that', async () => {
    const inner = Buffer.concat([file('x'), END_MARKER]);
    await extract([file('rootfs.tar', inner.toString('latin1'))]);
    expect(judge).toThrow(/holds nothing but another one, rootfs\.tar: give that one to untar/);
  });

  test.each(['\x1f\x8b\x08\0', '\xfd7zXZ\0', 'PK\x03\x04'])('only %j', async (start) => {
    fs.writeFileSync(at('file'), Buffer.from(`${start}${'x'.repeat(600)}`, 'latin1'));
    expect(judge).toThrow(/holds nothing but another one/);
  });

  test('a root in a directory', async () => {
    await extract([directory('rootfs/etc'), symlink('rootfs/bin', 'usr/bin'), directory('rootfs/usr/bin')]);
    expect(judge()).toMatch(/^The root file system lies in rootfs\/: boards look for it at the top/);
  });

  test.each<[string, Buffer[]]>([
    ['one file', [file('init', '#!/bin/sh\n')]],
    ['one empty file', [file('init')]],
    ['one directory', [directory('data/x')]],
    ['a root', [directory('etc'), directory('bin')]],
  ])('%s is fine', async (_, items) => {
    await extract(items);
    expect(judge()).toBeUndefined();
  });
});
