/** Archives that others write: GNU tar in all its formats, busybox and bsdtar. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseAcl } from '../../src/tar/acl.ts';
import { type ReadFile, readAll } from './archives.ts';

let tree: string;

const MEBI = 1024 * 1024;
const SECOND = 1_000_000_000n;
const LONG = 'n'.repeat(120);
/** What every format holds; what needs types that v7 lacks; what needs more than ustar has room for. */
const PARTS = ['plain', 'special', 'long'];

beforeAll(() => {
  tree = fs.mkdtempSync(path.join(os.tmpdir(), 'tar-strangers-'));
  const at = (name: string | Buffer) => Buffer.concat([Buffer.from(`${tree}/`), Buffer.from(name)]);
  for (const part of PARTS) fs.mkdirSync(at(part));
  fs.writeFileSync(at('plain/file'), 'some content\n');
  fs.chmodSync(at('plain/file'), 0o4751);
  fs.linkSync(at('plain/file'), at('plain/hard'));
  fs.symlinkSync('../else/where', at('plain/symbolic'));
  fs.writeFileSync(at('plain/empty'), '');
  fs.writeFileSync(at('plain/block'), Buffer.alloc(512, 'b'));
  fs.writeFileSync(at('plain/large'), Buffer.alloc(3 * MEBI + 1, 'large content '));
  fs.mkdirSync(at('plain/directory'));
  fs.chmodSync(at('plain/directory'), 0o1777);
  fs.writeFileSync(at(Buffer.concat([Buffer.from('plain/odd\n '), Buffer.from([0xff, 0xe4])])), 'odd');
  fs.writeFileSync(at('special/old'), 'old');
  execFileSync('touch', ['-d', '1969-12-24 18:00:00.123456789Z', `${tree}/special/old`]);
  sparse('special/sparse', [5 * MEBI], 8 * MEBI);
  sparse(
    'special/fragmented',
    Array.from({ length: 70 }, (_, index) => index * 65_536),
    5 * MEBI,
  );
  sparse('special/hole', [], 2 * MEBI);
  execFileSync('mkfifo', [`${tree}/special/fifo`]);
  fs.mkdirSync(at(`long/${LONG}/${LONG}/${LONG}`), { recursive: true });
  fs.writeFileSync(at(`long/${LONG}/${LONG}/${LONG}/deep`), 'deep');
  fs.symlinkSync(`${LONG}/${LONG}`, at('long/symbolic'));
});

afterAll(() => {
  fs.rmSync(tree, { recursive: true, force: true });
});

function sparse(name: string, offsets: readonly number[], size: number): void {
  const fd = fs.openSync(path.join(tree, name), 'w');
  for (const [index, offset] of offsets.entries()) {
    fs.writeSync(fd, Buffer.alloc(4096, String.fromCharCode(97 + (index % 26))), 0, 4096, offset);
  }
  fs.ftruncateSync(fd, size);
  fs.closeSync(fd);
}

interface Writer {
  readonly command: readonly string[];
  readonly parts?: readonly string[];
  /** With `some` only where the file needs an extended header anyway. */
  readonly nanoseconds?: boolean | 'some';
  /** Files of special/ are stored without their holes. */
  readonly holes?: boolean;
  /** It writes a time before 1970 as no other program reads it. */
  readonly wrongOldTime?: boolean;
}

const gnu = (...options: string[]) => ['tar', ...options, '--create'];
const posix = { nanoseconds: true };

it.each<[string, Writer]>([
  ['GNU tar, v7', { command: gnu('--format=v7'), parts: ['plain'] }],
  ['GNU tar, ustar', { command: gnu('--format=ustar', '--exclude=old'), parts: ['plain', 'special'] }],
  ['GNU tar, oldgnu', { command: gnu('--format=oldgnu') }],
  ['GNU tar, gnu', { command: gnu('--format=gnu') }],
  ['GNU tar, posix', { command: gnu('--format=posix'), ...posix }],
  ['GNU tar, oldgnu, sparse', { command: gnu('--format=oldgnu', '-S'), holes: true }],
  ['GNU tar, gnu, sparse', { command: gnu('--format=gnu', '-S'), holes: true }],
  [
    'GNU tar, sparse 0.0',
    { command: gnu('--format=posix', '--sparse-version=0.0', '-S'), ...posix, holes: true },
  ],
  [
    'GNU tar, sparse 0.1',
    { command: gnu('--format=posix', '--sparse-version=0.1', '-S'), ...posix, holes: true },
  ],
  [
    'GNU tar, sparse 1.0',
    { command: gnu('--format=posix', '--sparse-version=1.0', '-S'), ...posix, holes: true },
  ],
  ['GNU tar, incremental', { command: gnu('--format=gnu', '--incremental') }],
  ['GNU tar with a label', { command: gnu('--format=gnu', '--label=volume') }],
  ['GNU tar, posix, with a label', { command: gnu('--format=posix', '--label=volume'), ...posix }],
  ['GNU tar with all attributes', { command: gnu('--xattrs', '--acls', '--selinux'), ...posix }],
  ['busybox tar', { command: ['busybox', 'tar', '-c', '-f', '-'], parts: ['plain', 'long'] }],
  ['bsdtar, v7', { command: ['bsdtar', '-c', '--format=v7'], parts: ['plain'] }],
  [
    'bsdtar, ustar',
    { command: ['bsdtar', '-c', '--format=ustar', '--exclude=old'], parts: ['plain', 'special'] },
  ],
  ['bsdtar, gnutar', { command: ['bsdtar', '-c', '--format=gnutar', '--exclude=old'] }],
  [
    'bsdtar, restricted pax',
    { command: ['bsdtar', '-c'], nanoseconds: 'some', holes: true, wrongOldTime: true },
  ],
  ['bsdtar, pax', { command: ['bsdtar', '-c', '--format=pax'], ...posix, holes: true, wrongOldTime: true }],
])('reads what is written by %s', { timeout: 60_000 }, async (_what, writer) => {
  const { command, parts = PARTS, holes = false } = writer;
  const [program = '', ...options] = command;
  const archive = execFileSync(program, [...options, ...parts], {
    cwd: tree,
    maxBuffer: 200 * MEBI,
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const files = await readAll(archive, 65_536);
  const names = files.map(nameOf);
  const expected = execFileSync('find', [...parts, '-print0'], { cwd: tree, encoding: 'latin1' })
    .split('\0')
    .slice(0, -1);
  const excluded = options.includes('--exclude=old') ? ['special/old'] : [];
  expect([...names].sort()).toEqual(expected.filter((name) => !excluded.includes(name)).sort());
  for (const file of files) compare(file, writer);
  if (parts.includes('special')) {
    const stored = files
      .filter((file) => /sparse|fragmented|hole/.test(nameOf(file)))
      .map(({ data }) => data.length);
    expect([...stored].sort((a, b) => a - b)).toEqual(holes ? [0, 1, 70] : [1, 1, 1]);
  }
});

it('reads devices', async () => {
  for (const program of ['tar', 'bsdtar', 'busybox tar']) {
    const archive = execFileSync('sh', ['-c', `${program} -C /dev -c -f - null`]);
    expect(await readAll(archive), program).toMatchObject([
      { type: 'character', major: 1, minor: 3, size: 0 },
    ]);
  }
});

it('reads what nobody here may create: owners, set-id bits, devices', async () => {
  const spec = [
    '#mtree',
    './console type=char device=linux,5,1 mode=0600 uid=0 gid=5',
    './disk type=block device=native,259,65536 mode=0660 uid=70000 gid=3000000',
    './su type=dir mode=07755 uid=4294967294 gid=1',
  ].join('\n');
  for (const format of ['pax', 'gnutar']) {
    const archive = execFileSync('bsdtar', ['-c', '-f', '-', `--format=${format}`, '@-'], {
      input: `${spec}\n`,
    });
    const files = await readAll(archive);
    expect(files, format).toMatchObject([
      { type: 'character', major: 5, minor: 1, mode: 0o600, uid: 0, gid: 5 },
      { type: 'block', major: 259, minor: 65_536, mode: 0o660, uid: 70_000, gid: 3_000_000 },
      { type: 'directory', mode: 0o7755, uid: 4_294_967_294, gid: 1 },
    ]);
  }
});

it.each([
  ['GNU tar', ['tar', '--format=posix', '--xattrs', '--acls', '-c']],
  [
    'GNU tar with numbers for owners',
    ['tar', '--format=posix', '--xattrs', '--acls', '--numeric-owner', '-c'],
  ],
  ['bsdtar', ['bsdtar', '--format=pax', '--xattrs', '--acls', '-c']],
])('reads attributes and ACLs of %s', async (_what, [program = '', ...options]) => {
  const directory = fs.mkdtempSync(path.join(tree, 'attributes-'));
  fs.writeFileSync(path.join(directory, 'file'), '');
  fs.chmodSync(path.join(directory, 'file'), 0o640);
  const set = (name: string, value: string) =>
    execFileSync('setfattr', ['-n', name, '-v', value, 'file'], { cwd: directory });
  set('user.binary', '0x00ff0a3d00');
  set('user.empty', '');
  set('user.odd=na%me\xff', 'value');
  execFileSync('setfacl', ['-m', 'u:0:rw,u:54321:r,g:54322:rwx', 'file'], { cwd: directory });
  execFileSync('setfacl', ['-d', '-m', 'g:54322:r', '.'], { cwd: directory });

  const archive = execFileSync(program, [...options, '-C', directory, '-f', '-', '.']);
  const [top, file] = await readAll(archive);
  expect(parseAcl(file?.acl.access ?? '')).toEqual({
    user: 6,
    group: 4,
    other: 0,
    mask: 7,
    named: [
      { kind: 'user', id: 0, access: 6 },
      { kind: 'user', id: 54_321, access: 4 },
      { kind: 'group', id: 54_322, access: 7 },
    ],
  });
  expect(parseAcl(top?.acl.default ?? '').named).toEqual([{ kind: 'group', id: 54_322, access: 4 }]);
  expect([...(file?.xattrs ?? [])].sort()).toEqual([
    ['user.binary', Buffer.from('00ff0a3d00', 'hex')],
    ['user.empty', Buffer.alloc(0)],
    [Buffer.from('user.odd=na%me\xff').toString('latin1'), Buffer.from('value')],
  ]);
});

function nameOf(file: ReadFile): string {
  return file.name.toString('latin1').replace(/\/$/, '');
}

/** With the file that it was made of. */
function compare(file: ReadFile, { nanoseconds = false, wrongOldTime = false }: Writer): void {
  const name = nameOf(file);
  const at = Buffer.from(`${tree}/${name}`, 'latin1');
  const real = fs.lstatSync(at, { bigint: true });
  expect(file, name).toMatchObject({
    mode: Number(real.mode) & 0o7777,
    uid: Number(real.uid),
    gid: Number(real.gid),
  });
  const content = file.type === 'file' ? fs.readFileSync(at) : Buffer.alloc(0);
  expect(file.size, name).toBe(content.length);
  expect(file.content.equals(content), `content of ${name}`).toBe(true);
  expect(typeOf(file), name).toBe(typeOfStat(real));
  if (file.type === 'symlink') expect(file.link.toString('latin1')).toBe(fs.readlinkSync(at, 'latin1'));
  if (file.type === 'hardlink')
    expect(fs.lstatSync(path.join(tree, file.link.toString())).ino).toBe(Number(real.ino));
  if (wrongOldTime && real.mtimeNs < 0n) return;
  const { mtime } = file;
  const fraction = ((real.mtimeNs % SECOND) + SECOND) % SECOND;
  const isExact = nanoseconds === 'some' ? mtime.nanoseconds !== 0 : nanoseconds;
  expect(BigInt(mtime.seconds) * SECOND + BigInt(mtime.nanoseconds), `time of ${name}`).toBe(
    isExact ? real.mtimeNs : real.mtimeNs - fraction,
  );
}

function typeOf({ type }: ReadFile): string {
  return type === 'hardlink' ? 'file' : type;
}

function typeOfStat(stat: fs.BigIntStats): string {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  return stat.isFIFO() ? 'fifo' : 'other';
}
