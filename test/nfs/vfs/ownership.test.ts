import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FileType } from '../../../src/rootfs/file-type.ts';
import { formatOwner, isPlain, parseOwner, realMode } from '../../../src/rootfs/owner.ts';
import { makeSymlink } from '../../../src/system/files.ts';
import { define } from '../../../src/system/libc.ts';
import { at, bytes, codeOf, makePlace, names, type Place, put, ROOT, run, SUDO } from './fixture.ts';

const ATTRIBUTE = 'user.rsync.%stat';
const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;

let place: Place;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => place.remove());

const setxattr = define<[path: string, name: string, value: string, size: number, flags: number]>(
  'int lsetxattr(const char *path, const char *name, const char *value, size_t size, int flags)',
);
const getxattr = define<[path: string, name: string, value: Buffer, size: number]>(
  'long lgetxattr(const char *path, const char *name, void *value, size_t size)',
);

function setAttribute(name: string, value: string): void {
  setxattr(place.path(name), ATTRIBUTE, value, Buffer.byteLength(value), 0);
}

function attribute(name: string): string | undefined {
  const value = Buffer.alloc(256);
  try {
    return value.toString('latin1', 0, getxattr(place.path(name), ATTRIBUTE, value, value.length));
  } catch {
    return undefined;
  }
}

describe('the format', () => {
  test.each([
    ['100644 0,0 33:44', S_IFREG, { type: 1, mode: 0o644, uid: 33, gid: 44, major: 0, minor: 0 }],
    ['104755 0,0 0:0', S_IFREG, { type: 1, mode: 0o4755, uid: 0, gid: 0, major: 0, minor: 0 }],
    [
      '20600 4095,1048575 0:5',
      S_IFREG,
      { type: 4, mode: 0o600, uid: 0, gid: 5, major: 4095, minor: 1048575 },
    ],
    ['60660 8,1 0:6', S_IFREG, { type: 3, mode: 0o660, uid: 0, gid: 6, major: 8, minor: 1 }],
    ['120777 0,0 1:2', S_IFREG, { type: 5, mode: 0o777, uid: 1, gid: 2, major: 0, minor: 0 }],
    ['10644 0,0 1:2', S_IFREG, { type: 7, mode: 0o644, uid: 1, gid: 2, major: 0, minor: 0 }],
    ['140755 0,0 1:2', S_IFREG, { type: 6, mode: 0o755, uid: 1, gid: 2, major: 0, minor: 0 }],
    [
      '42775 0,0 4294967295:4294967294',
      S_IFDIR,
      { type: 2, mode: 0o2775, uid: 4294967295, gid: 4294967294, major: 0, minor: 0 },
    ],
  ])('%s', (text, real, owner) => {
    expect(parseOwner(text, real)).toEqual(owner);
    expect(formatOwner(owner as Parameters<typeof formatOwner>[0])).toBe(text);
  });

  test.each([
    '',
    '100644',
    '100644 0,0',
    '100644 0,0 33',
    '100648 0,0 1:1',
    '1100644 0,0 1:1',
    '100644 0,0 -1:0',
    '100644 0,0 1:1 ',
    ' 100644 0,0 1:1',
    '100644  0,0 1:1',
    '100644 0,0 4294967296:0',
    '100644 0,0 0:99999999999',
    '100644 4294967296,0 0:0',
    '0 0,0 0:0',
    '644 0,0 0:0',
    '30644 0,0 0:0',
    '170644 0,0 0:0',
    '100644 0,0 1:1\n',
    '100644 0,0 1:1\0\0',
    '100644 0,0 ١:1',
    '40755 0,0 0:0',
    'x'.repeat(250),
  ])('%j counts as none', (text) => {
    expect(parseOwner(text, S_IFREG)).toBeUndefined();
  });

  test('a directory never becomes something else', () => {
    expect(parseOwner('100644 0,0 0:0', S_IFDIR)).toBeUndefined();
    expect(parseOwner('120777 0,0 0:0', S_IFDIR)).toBeUndefined();
  });

  test('the account can always use the real file, and nobody gains by it', () => {
    expect(realMode({ type: FileType.regular, mode: 0o6000 })).toBe(0o600);
    expect(realMode({ type: FileType.directory, mode: 0o7055 })).toBe(0o755);
    const owner = { type: FileType.regular, mode: 0o644, uid: 0, gid: 0, major: 0, minor: 0 };
    const ids = { uid: 0, gid: 0 };
    expect(isPlain(owner, ids)).toBe(true);
    for (const other of [
      { mode: 0o444 },
      { mode: 0o4644 },
      { uid: 1 },
      { gid: 1 },
      { type: FileType.symlink },
    ]) {
      expect(isPlain({ ...owner, ...other }, ids)).toBe(false);
    }
  });
});

describe('attributes that are not ours', () => {
  test.each(['', 'nonsense', '40755 0,0 5:5', '100644 0,0 4294967296:5', 'y'.repeat(3000)])(
    '%.20s on a file',
    (value) => {
      fs.writeFileSync(place.path('file'), 'content', { mode: 0o640 });
      setAttribute('file', value);
      const expected = { type: 1, mode: 0o640, uid: 0, gid: 0, size: 7 };
      expect(place.vfs.attributes(at(place.vfs, 'file'))).toMatchObject(expected);
    },
  );

  test('a directory that says it is a link', async () => {
    fs.mkdirSync(place.path('d'), { mode: 0o755 });
    setAttribute('d', '120777 0,0 5:5');
    expect(place.vfs.attributes(at(place.vfs, 'd'))).toMatchObject({ type: 2, mode: 0o755, uid: 0 });
    expect(
      await codeOf(() =>
        place.vfs.create(ROOT, at(place.vfs, 'd'), bytes('f'), { mode: 'guarded', changes: {} }),
      ),
    ).toBe('ok');
  });

  test('of another program, later: seen with the next call', () => {
    fs.writeFileSync(place.path('file'), '');
    const inode = at(place.vfs, 'file');
    for (const uid of [5, 6, 7]) {
      setAttribute('file', `100600 0,0 ${uid}:1`);
      place.vfs.begin();
      expect(place.vfs.attributes(inode)).toMatchObject({ uid, gid: 1, mode: 0o600 });
    }
  });
});

describe('what is stored', () => {
  test('the attribute comes and goes with the need for it', async () => {
    const inode = await put(place.vfs, place.vfs.root, 'file', { mode: 0o644 });
    expect(attribute('file')).toBeUndefined();
    await place.vfs.setattr(ROOT, inode, { uid: 33, gid: 44 });
    expect(attribute('file')).toBe('100644 0,0 33:44');
    place.vfs.begin();
    await place.vfs.setattr(ROOT, inode, { uid: 0, gid: 0 });
    expect(attribute('file')).toBeUndefined();
    await place.vfs.setattr(ROOT, inode, { mode: 0o444 });
    expect(attribute('file')).toBe('100444 0,0 0:0');
    expect(fs.statSync(place.path('file')).mode & 0o7777).toBe(0o644);
  });

  test('stays with hard links and renames', async () => {
    const { vfs } = place;
    await vfs.mknod(ROOT, vfs.root, bytes('null'), 4, { mode: 0o666, gid: 9 }, 1, 3);
    await vfs.link(ROOT, at(vfs, 'null'), vfs.root, bytes('hard'));
    await vfs.rename(ROOT, vfs.root, bytes('null'), vfs.root, bytes('moved'));
    const expected = { type: 4, major: 1, minor: 3, nlink: 2, gid: 9, mode: 0o666 };
    for (const name of ['hard', 'moved'])
      expect(place.vfs.attributes(at(place.vfs, name))).toMatchObject(expected);
    expect(attribute('moved')).toBe('20666 1,3 0:9');
  });
});

/** What a tree holds, as the VFS shows it. */
function shown(below = ''): Record<string, string> {
  const { vfs } = place;
  const found: Record<string, string> = {};
  for (const name of names(vfs, at(vfs, below))) {
    // Names that are not UTF-8 have been read as latin1.
    const where = below === '' ? name : `${below}/${name}`;
    const inode = vfs.lookup(ROOT, at(vfs, below), Buffer.from(name, 'latin1'));
    const { type, mode, uid, gid, major, minor, size, nlink } = vfs.attributes(inode);
    const link = type === FileType.symlink ? ` -> ${vfs.readlink(ROOT, inode).toString('latin1')}` : '';
    const length = type === FileType.directory ? '' : ` ${size} ${nlink}`;
    found[where] = `${type} ${mode.toString(8)} ${uid}:${gid} ${major},${minor}${length}${link}`;
    if (type === FileType.directory) Object.assign(found, shown(where));
  }
  return found;
}

/** The same of a real tree. */
function real(directory: string): Record<string, string> {
  const format = run(
    'find',
    directory,
    '-mindepth',
    '1',
    '-printf',
    '%P\\t%m\\t%U\\t%G\\t%s\\t%n\\t%l\\t%y\\0',
  );
  const found: Record<string, string> = {};
  for (const line of format.split('\0').filter((text) => text !== '')) {
    const [name = '', mode, uid, gid, size, nlink, target, letter = ''] = line.split('\t');
    const isDevice = letter === 'c' || letter === 'b';
    const device = isDevice ? root('stat', '-c', '%Hr,%Lr', path.join(directory, name)).trim() : '0,0';
    const type = { f: 1, d: 2, b: 3, c: 4, l: 5, s: 6, p: 7 }[letter];
    const length = letter === 'd' ? '' : ` ${size} ${nlink}`;
    const link = letter === 'l' ? ` -> ${target}` : '';
    found[name] = `${type} ${mode} ${uid}:${gid} ${device}${length}${link}`;
  }
  return found;
}

const LONG = `${'t/'.repeat(2000)}x`;
/** As root makes it in the shell; `$0` is the long target. */
const MAKE_TREE = `
set -e; umask 022
mkdir -p sub/0700 sub/0555; echo hello >plain; echo x >sub/suid; echo y >owned; chown 33:44 owned
chown 5:6 sub/suid; chmod 6755 sub/suid; chmod 0700 sub/0700; chown 1000:1000 sub/0700; chmod 0555 sub/0555
echo r >readonly; chmod 0444 readonly; echo n >nothing; chmod 0 nothing; chown 7:7 nothing
mkdir sticky; chmod 1777 sticky; mkdir setgid; chown 0:50 setgid; chmod 2775 setgid
mknod char c 4095 1048575; mknod block b 8 255; chown 0:6 block; chmod 660 block; mkfifo -m 600 fifo
chown 9:9 fifo; ln -s plain link; ln -s "$0" long; chown -h 3:4 link; ln -s "$(printf '\\377\\001 \\n.')x" odd
mknod null c 1 3; chmod 666 null; ln char hard-char; ln fifo hard-fifo; ln owned hard-owned
: >"$(printf '\\200\\376')"
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("sock")' 2>/dev/null || perl -e 'use Socket; socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un("sock")) or die'
`;

const [SUDO_FILE, ...SUDO_ARGS] = [...SUDO, 'env', 'LC_ALL=C'];

function root(...command: string[]): string {
  return run(SUDO_FILE as string, ...SUDO_ARGS, ...command);
}

const RSYNC = ['rsync', '-aHAX', '--numeric-ids'];
const ACCOUNT = process.getuid?.() === 0 ? 65534 : (process.getuid?.() ?? 0);
const AS_ACCOUNT = ['setpriv', `--reuid=${ACCOUNT}`, `--regid=${ACCOUNT}`, '--clear-groups'];

/** Ways to run the half of rsync that works with the account's files. */
const SIDES: [string, string[], number, { uid: number; gid: number }][] = [
  ['root', ['env'], 0, { uid: 0, gid: 0 }],
  ['the account', AS_ACCOUNT, ACCOUNT, { uid: ACCOUNT, gid: ACCOUNT }],
  ['the account in a namespace of its own', [...AS_ACCOUNT, 'unshare', '-r'], ACCOUNT, { uid: 0, gid: 0 }],
];

/** Gives the base and all in it to an account; to this process's own if none is said. */
function give(uid?: number): void {
  const [owner, group] = uid === undefined ? [process.getuid?.(), process.getgid?.()] : [uid, uid];
  root('chown', '-hR', `${owner}:${group}`, place.base);
}

describe.each(SIDES)('rsync --fake-super as %s', (_, side, account, unattributed) => {
  let original: string;
  beforeEach(() => {
    original = path.join(place.top, 'original');
    fs.mkdirSync(original);
    fs.chmodSync(place.top, 0o755);
    root('sh', '-ec', `cd "$1"; ${MAKE_TREE.replace('$0', LONG)}`, 'sh', original);
    place.restart({ unattributed });
  });
  afterEach(() => {
    root('rm', '-rf', original, path.join(place.top, 'copy'));
    give();
  });

  /** The half that runs as the account is rsync's server, as over ssh. */
  function rsync(from: string, to: string): void {
    const remote = path.join(place.top, 'remote');
    fs.writeFileSync(remote, `#!/bin/sh\nshift 2\ncd /\nexec ${side.join(' ')} rsync --fake-super "$@"\n`, {
      mode: 0o755,
    });
    root(...RSYNC, '-e', remote, from, to);
  }

  test('what it wrote shows as the original', () => {
    give(account);
    rsync(`${original}/`, `any:${place.base}/`);
    give();
    place.restart({ unattributed });
    const expected = real(original);
    expect(Object.keys(expected).length).toBeGreaterThan(20);
    expect(shown()).toEqual(expected);
  });

  test('what the VFS wrote becomes the original again', async () => {
    const { vfs } = place;
    const expected = real(original);
    const made = new Map<number, string>();
    for (const [name, text] of Object.entries(expected).sort(([a], [b]) => (a < b ? -1 : 1))) {
      const [, type, mode, uid, gid, major, minor, size] =
        /^(\d) (\d+) (\d+):(\d+) (\d+),(\d+)(?: (\d+))?/.exec(text)?.map(Number) ?? [];
      const changes = { mode: Number.parseInt(String(mode), 8), uid, gid };
      const above = at(vfs, path.dirname(name));
      const last = Buffer.from(path.basename(name), 'latin1');
      const source = Buffer.concat([Buffer.from(`${original}/`), Buffer.from(name, 'latin1')]);
      const { ino } = fs.lstatSync(source);
      const first = made.get(ino);
      if (first !== undefined) {
        vfs.begin();
        await vfs.link(ROOT, vfs.lookup(ROOT, vfs.root, Buffer.from(first, 'latin1')), above, last);
        continue;
      }
      made.set(ino, name);
      if (type === 1) {
        const inode = await vfs.create(ROOT, above, last, { mode: 'guarded', changes });
        await vfs.write(ROOT, inode, 0, Buffer.alloc(Number(size), 'x'), 0);
      } else if (type === 2) {
        const inode = await vfs.mkdir(ROOT, above, last, changes);
        vfs.begin();
        await vfs.setattr(ROOT, inode, { mode: changes.mode });
      } else if (type === 5) {
        const target = Buffer.from(text.slice(text.indexOf(' -> ') + 4), 'latin1');
        await vfs.symlink(ROOT, above, last, { uid, gid }, target);
      } else {
        await vfs.mknod(ROOT, above, last, type as FileType, changes, major ?? 0, minor ?? 0);
      }
      vfs.begin();
    }
    expect(shown()).toEqual(expected);
    place.vfs.close();
    give(account);
    const copy = path.join(place.top, 'copy');
    rsync(`any:${place.base}/`, `${copy}/`);
    give();
    expect(real(copy)).toEqual(expected);
    place.restart({ unattributed });
  });
});

describe('made by hand', () => {
  beforeEach(() => {
    makeSymlink(Buffer.concat([bytes(LONG), Buffer.of(0)]), -100, bytes(`${place.path('link')}\0`));
    run('mkfifo', place.path('fifo'));
    run('python3', '-c', `import socket; socket.socket(socket.AF_UNIX).bind("${place.path('sock')}")`);
    fs.chmodSync(place.path('fifo'), 0o640);
  });

  test("links, FIFOs and sockets show as what they are, and as root's", () => {
    const { vfs } = place;
    expect(vfs.attributes(at(vfs, 'link'))).toMatchObject({ type: 5, mode: 0o777, uid: 0, gid: 0 });
    expect(vfs.attributes(at(vfs, 'fifo'))).toMatchObject({ type: 7, mode: 0o640, uid: 0, gid: 0 });
    expect(vfs.attributes(at(vfs, 'sock'))).toMatchObject({ type: 6, uid: 0, gid: 0 });
    expect(vfs.readlink(ROOT, at(vfs, 'link')).toString()).toBe(LONG);
  });

  test('they are never opened', async () => {
    const { vfs } = place;
    for (const name of ['link', 'fifo', 'sock']) {
      const inode = at(vfs, name);
      expect(await codeOf(() => vfs.read(ROOT, inode, 0, 10))).toBe('EINVAL');
      expect(await codeOf(() => vfs.write(ROOT, inode, 0, bytes('x'), 2))).toBe('EINVAL');
      expect(await codeOf(() => vfs.setattr(ROOT, inode, { size: 0 }))).toBe('EINVAL');
      expect(await codeOf(() => vfs.setattr(ROOT, inode, { mtime: 'now' }))).toBe('ok');
      expect(inode.descriptor).toBeUndefined();
    }
  });

  test.each(['link', 'fifo', 'sock'])('with another owner the %s becomes a stored one', async (name) => {
    const { vfs } = place;
    const before = vfs.attributes(at(vfs, name));
    expect(await codeOf(() => place.vfs.setattr(ROOT, at(place.vfs, name), { uid: 5, gid: 6 }))).toBe('ok');
    expect(fs.lstatSync(place.path(name)).isFile()).toBe(true);
    const { type, mode } = before;
    expect(place.vfs.attributes(at(place.vfs, name))).toMatchObject({ type, mode, uid: 5, gid: 6, nlink: 1 });
    if (name === 'link') expect(place.vfs.readlink(ROOT, at(place.vfs, name)).toString()).toBe(LONG);
    expect(names(place.vfs, place.vfs.root)).toEqual(['fifo', 'link', 'sock']);
  });

  test('they can be renamed, linked and removed', async () => {
    for (const name of ['link', 'fifo', 'sock']) {
      const { vfs } = place;
      await vfs.link(ROOT, at(vfs, name), vfs.root, bytes(`${name}2`));
      await vfs.rename(ROOT, vfs.root, bytes(name), vfs.root, bytes(`${name}3`));
      await vfs.remove(ROOT, vfs.root, bytes(`${name}2`));
    }
    expect(names(place.vfs, place.vfs.root)).toEqual(['fifo3', 'link3', 'sock3']);
  });
});

describe('without a store', () => {
  beforeEach(() => place.restart({ ownership: 'plain' }));

  test("all is root's, and nothing else can be made", async () => {
    const { vfs } = place;
    await put(vfs, vfs.root, 'file', { mode: 0o600 });
    setAttribute('file', '104755 0,0 5:5');
    expect(vfs.attributes(at(vfs, 'file'))).toMatchObject({ uid: 0, gid: 0, mode: 0o600 });
    const { root: top } = vfs;
    expect(await codeOf(() => vfs.setattr(ROOT, at(vfs, 'file'), { mode: 0o755 }))).toBe('ok');
    expect(await codeOf(() => vfs.setattr(ROOT, at(vfs, 'file'), { uid: 5 }))).toBe('EPERM');
    expect(await codeOf(() => vfs.setattr(ROOT, at(vfs, 'file'), { mode: 0o4755 }))).toBe('EPERM');
    expect(await codeOf(() => vfs.mknod(ROOT, top, bytes('null'), 4, {}, 1, 3))).toBe('ENOTSUPP');
    expect(await codeOf(() => vfs.mkdir(ROOT, top, bytes('d'), { mode: 0o1777 }))).toBe('EPERM');
    expect(await codeOf(() => put(vfs, top, 'suid', { mode: 0o4755 }))).toBe('EPERM');
    expect(await codeOf(() => vfs.symlink(ROOT, top, bytes('link'), {}, bytes('target')))).toBe('ok');
    expect(fs.readlinkSync(place.path('link'))).toBe('target');
    expect(names(vfs, top)).toEqual(['file', 'link']);
  });
});
