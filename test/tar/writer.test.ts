/** What others read of the archives that we write. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { TarEntry } from '../../src/tar/entry.ts';
import { BLOCK_BYTES } from '../../src/tar/header.ts';
import { headerOf } from '../../src/tar/writer.ts';
import { archiveOf, type StoredFile } from './entries.ts';

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'tar-writer-'));
});
afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

const bytes = (text: string) => Buffer.from(text, 'latin1');

function file(entry: Partial<TarEntry>, content = ''): StoredFile {
  const base = {
    name: bytes('file'),
    type: 'file' as const,
    mode: 0o644,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    major: 0,
    minor: 0,
    size: content.length,
    mtime: { seconds: 1_700_000_000, nanoseconds: 0 },
    link: Buffer.alloc(0),
    xattrs: new Map(),
    acl: {},
  };
  return { entry: { ...base, ...entry }, stored: bytes(content), extents: undefined };
}

const PROGRAMS = [
  ['GNU tar', 'tar'],
  ['bsdtar', 'bsdtar'],
] as const;
const UNPACK = ['--numeric-owner', '--xattrs', '--acls', '-x', '-p'];
const LIST = ['--numeric-owner', '-t', '-v'];

function run(program: string, options: readonly string[], files: readonly StoredFile[]): string {
  return execFileSync(program, [...options, '-f', '-'], {
    cwd: directory,
    input: archiveOf(files),
    encoding: 'latin1',
    env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

const at = (name: string) => Buffer.concat([bytes(`${directory}/`), bytes(name)]);

it.each(PROGRAMS)('%s unpacks names, contents, times, attributes and ACLs', (_what, program) => {
  const names = [
    'plain',
    'odd\n \xff\xe4',
    `long-${'n'.repeat(150)}`,
    `prefix-${'p'.repeat(80)}/${'n'.repeat(90)}`,
    `long-odd-${'\xe4'.repeat(120)}`,
  ];
  const access = 'user::rw-,user:54321:r--,group::r--,group:54322:rwx,mask::rwx,other::---';
  const defaults = 'user::rwx,group::r-x,group:54322:r--,mask::r-x,other::---';
  run(program, UNPACK, [
    ...names.map((name, index) => file({ name: bytes(name) }, `content ${index}`)),
    file({ name: bytes('directory/'), type: 'directory', mode: 0o1750, acl: { default: defaults } }),
    file({ name: bytes('symbolic'), type: 'symlink', link: bytes(`${'t'.repeat(150)}\xff`) }),
    file({ name: bytes('hard'), type: 'hardlink', link: bytes(names[2] ?? '') }),
    file({ name: bytes('fifo'), type: 'fifo' }),
    file({
      name: bytes('attributes'),
      mtime: { seconds: 1_700_000_000, nanoseconds: 123_456_789 },
      xattrs: new Map([
        ['user.binary', bytes('\0\xff\n=')],
        ['user.empty', bytes('')],
      ]),
      acl: { access },
    }),
    file({ name: bytes('old'), mtime: { seconds: -1000, nanoseconds: 0 } }),
  ]);
  for (const [index, name] of names.entries()) {
    expect(fs.readFileSync(at(name), 'latin1'), name).toBe(`content ${index}`);
  }
  expect(fs.statSync(at('directory')).mode & 0o7777).toBe(0o1750);
  expect(fs.readlinkSync(at('symbolic'), 'latin1')).toBe(`${'t'.repeat(150)}\xff`);
  expect(fs.statSync(at('hard')).ino).toBe(fs.statSync(at(names[2] ?? '')).ino);
  expect(fs.lstatSync(at('fifo')).isFIFO()).toBe(true);
  expect(fs.statSync(at('attributes'), { bigint: true }).mtimeNs).toBe(1_700_000_000_123_456_789n);
  expect(fs.statSync(at('old')).mtimeMs).toBe(-1_000_000);
  const attributes = execFileSync('getfattr', ['-d', '-e', 'hex', 'attributes'], {
    cwd: directory,
    encoding: 'utf8',
  });
  expect(attributes.trim().split('\n').slice(1).sort()).toEqual(['user.binary=0x00ff0a3d', 'user.empty=0x']);
  const acl = (name: string, ...options: string[]) =>
    execFileSync('getfacl', ['-n', '-c', '-E', ...options, name], {
      cwd: directory,
      encoding: 'utf8',
    }).trim();
  expect(acl('attributes').replaceAll('\n', ',')).toBe(access);
  expect(acl('directory', '-d').replaceAll('\n', ',')).toBe(defaults);
});

it.each(PROGRAMS)('%s unpacks sparse files', (_what, program) => {
  const part = (letter: string) => letter.repeat(4096);
  const sparse = (name: string, size: number, offsets: readonly number[]) => ({
    ...file(
      { name: bytes(name), size },
      offsets.map((_, index) => part(String.fromCharCode(97 + (index % 26)))).join(''),
    ),
    extents: offsets.map((offset) => ({ offset, length: 4096 })),
  });
  const many = Array.from({ length: 200 }, (_, index) => index * 16_384);
  const files = [
    sparse('both', 1_000_000, [65_536, 131_072]),
    sparse('end', 69_632, [65_536]),
    sparse('hole', 1_000_000, []),
    sparse('\xe4'.repeat(40), 8_000_000, many),
    file({ name: bytes('behind') }, 'behind'),
  ];
  run(program, UNPACK, files);
  for (const { entry, stored, extents = [] } of files.slice(0, -1)) {
    const expected = Buffer.alloc(entry.size);
    for (const [index, { offset }] of (extents ?? []).entries())
      stored.copy(expected, offset, index * 4096, (index + 1) * 4096);
    expect(fs.readFileSync(at(entry.name.toString('latin1'))).equals(expected)).toBe(true);
    expect(fs.statSync(at(entry.name.toString('latin1'))).blocks * 512).toBeLessThan(entry.size);
  }
  expect(fs.readFileSync(at('behind'), 'latin1')).toBe('behind');
});

it.each(PROGRAMS)('%s lists owners, devices and sizes that not everybody may unpack', (_what, program) => {
  const list = run(program, LIST, [
    file({ name: bytes('first'), mode: 0o6755, uid: 2_097_151, gid: 2_097_152 }),
    file({ name: bytes('last'), uid: 4_294_967_294, gid: 0 }),
    file({ name: bytes('disk'), type: 'block', major: 4095, minor: 1_048_575 }),
    file({ name: bytes('console'), type: 'character', mode: 0o600, uid: 0, gid: 5, major: 5, minor: 1 }),
  ]);
  const words = list
    .trim()
    .split('\n')
    .map((line) => line.replace(/[\s/]+|(?<=\d),(?=\d)/g, ' '));
  expect(words[0]).toMatch(/^-rwsr-sr-x (0 )?2097151 2097152 0 /);
  expect(words[1]).toMatch(/^-rw-r--r-- (0 )?4294967294 0 0 /);
  expect(words[2]).toMatch(/^brw-r--r-- .* 4095 1048575 /);
  expect(words[3]).toMatch(/^crw------- (0 )?0 5 5 1 /);
});

it('tells the size of a file that ustar has no room for', () => {
  const size = 8 ** 11;
  const header = headerOf(file({ size }).entry);
  expect(header.toString('latin1')).toContain(` size=${size}\n`);
  for (const [, program] of PROGRAMS) {
    // It reads the header, and misses the content then.
    const { stdout } = spawnSync(program, [...LIST, '-f', '-'], { input: header, encoding: 'utf8' });
    expect(stdout).toContain(` ${size} `);
  }
});

it('writes one block for a file that needs no more', () => {
  expect(headerOf(file({ name: bytes(`${'p'.repeat(155)}/${'n'.repeat(100)}`) }).entry)).toHaveLength(
    BLOCK_BYTES,
  );
  expect(headerOf(file({ name: bytes(`${'p'.repeat(156)}/${'n'.repeat(99)}`) }).entry)).toHaveLength(
    3 * BLOCK_BYTES,
  );
});

it('does not split a name at a slash that ends it', () => {
  const name = bytes(`${'d'.repeat(120)}/`);
  expect(headerOf(file({ name, type: 'directory' }).entry)).toHaveLength(3 * BLOCK_BYTES);
});

it.each([
  [{ seconds: 1, nanoseconds: 5 }, '1.000000005'],
  [{ seconds: -1, nanoseconds: 0 }, '-1'],
  [{ seconds: -1, nanoseconds: 750_000_000 }, '-0.250000000'],
  [{ seconds: -6, nanoseconds: 999_999_999 }, '-5.000000001'],
  [{ seconds: 8 ** 11, nanoseconds: 0 }, '8589934592'],
])('writes the time %o as %s', (mtime, text) => {
  expect(headerOf(file({ mtime }).entry).toString('latin1')).toContain(` mtime=${text}\n`);
});
