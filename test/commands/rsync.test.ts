/** Uploads and downloads that ought to work, and words that are refused. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  asSuperuser,
  base,
  canary,
  FENCES,
  giveToAccount,
  home,
  list,
  makeBoard,
  type Result,
  read,
  removeBoard,
  rsync,
  server,
  source,
  tree,
  uid,
  write,
} from '../support/rsync-board.ts';

beforeEach(() => makeBoard('rsync'));
afterEach(removeBoard);

describe.each(FENCES)('uploads %s', (_, settings) => {
  const ok = (...args: string[]): Result => {
    const result = rsync(args, settings);
    expect(result).toMatchObject({ status: 0 });
    return result;
  };

  test('as the novaboot client does', () => {
    fs.symlinkSync('file', path.join(source, 'link'));
    ok('-RL', '--chmod=ugo=rwX', 'file', 'link', 'a/b/deep', 'B:');
    expect(list()).toEqual(['a', 'a/b', 'a/b/deep', 'file', 'link']);
    expect(fs.lstatSync(path.join(tree, 'link')).isFile()).toBe(true);
    // --chmod works at the client; without -p the server applies its umask.
    expect(fs.statSync(path.join(tree, 'file')).mode & 0o777).toBe(0o644);
    expect(fs.statSync(path.join(tree, 'file')).uid).toBe(uid);
  });

  test.each([
    ['-a'],
    ['-av', '--progress'],
    ['-az'],
    ['-aP'],
    ['-ai', '--stats'],
    ['-a', '--inplace'],
    ['-ac', '--delay-updates', '--fsync'],
    ['-aR'],
    ['-rtW', '--bwlimit=10000', '--timeout=10', '--numeric-ids'],
    ['-aC', '--backup', '--suffix=.old'],
    ['-a', '--max-size=1m', '--preallocate', '--block-size=700'],
    ['-a', '--protocol=28'],
    ['-a', '--protocol=29'],
    ['-a', '--protocol=30'],
    ['-a', '--protocol=31'],
    ['-a', '--no-inc-recursive', '--info=progress2'],
    ['-a', '--chmod=F644,D755'],
    ['-a', '--iconv=utf-8,utf-8'],
  ])('%s %s %s %s', (...options) => {
    ok(...options, '--delete', '--exclude=x', './', 'B:sub/');
    expect(list()).toEqual(['sub', 'sub/a', 'sub/a/b', 'sub/a/b/deep', 'sub/file']);
    write(path.join(source, 'file'), 'a second version');
    fs.rmSync(path.join(source, 'a'), { recursive: true });
    ok(...options, '--delete', './', 'B:sub/');
    expect(read('sub/file')).toBe('a second version');
    expect(list().filter((name) => !name.includes('.old') && !/\/a(?:\/b)?$/.test(name))).toEqual([
      'sub',
      'sub/file',
    ]);
  });

  test('a dry run changes nothing', () => {
    for (const destination of ['B:', 'B:new', 'B:new/']) ok('-an', './', destination);
    ok('-an', '--mkpath', './', 'B:x/y/z/');
    expect(list()).toEqual([]);
  });

  test('the destination may be a new name for one file, or a directory for many', () => {
    ok('file', 'B:name');
    ok('file', 'B:name');
    ok('-r', 'file', 'a', 'B:many');
    ok('-r', 'file', 'B:slash/');
    ok('-r', 'file', 'B:many/other');
    ok('--mkpath', 'file', 'B:x/y/z');
    ok('-r', '--mkpath', './', 'B:p/q/');
    expect(read('name')).toBe('new');
    expect(read('many/other')).toBe('new');
    expect(read('slash/file')).toBe('new');
    expect(read('x/y/z')).toBe('new');
    expect(read('p/q/a/b/deep')).toBe('new');
    const { status, stderr } = rsync(['file', 'B:missing/name'], settings);
    expect(status).not.toBe(0);
    expect(stderr).toContain('novaboot-shell: rsync: cannot use missing/name: there is no such directory');
    expect(list()).not.toContain('missing');
  });

  test('links within the tree are kept, links out of it are left out', () => {
    fs.symlinkSync('file', path.join(source, 'good'));
    fs.symlinkSync('../file', path.join(source, 'a/good'));
    fs.symlinkSync('../.ssh', path.join(source, 'relative'));
    fs.symlinkSync('/etc', path.join(source, 'absolute'));
    fs.symlinkSync('../../../.ssh', path.join(source, 'a/b/deeper'));
    ok('-a', './', 'B:');
    const links = list().filter((name) => fs.lstatSync(path.join(tree, name)).isSymbolicLink());
    expect(links).toEqual(['a/good', 'good']);
  });

  test('a missing tree is made', () => {
    fs.rmdirSync(tree);
    ok('file', 'B:');
    expect(fs.statSync(tree).mode & 0o777).toBe(0o755);
    expect(read('file')).toBe('new');
  });
});

describe('the tree', () => {
  function replaceTree(target: string, owner: number): void {
    fs.rmSync(tree, { recursive: true, force: true });
    fs.symlinkSync(target, tree);
    asSuperuser('chown', '-h', `${owner}:${owner}`, tree);
  }

  test('may be a link of root that leads anywhere', () => {
    const real = path.join(base, 'srv');
    fs.mkdirSync(real);
    asSuperuser('chown', String(uid), real);
    replaceTree(real, 0);
    expect(rsync(['file', 'B:'])).toMatchObject({ status: 0 });
    expect(fs.readFileSync(path.join(real, 'file'), 'utf8')).toBe('new');
  });

  test('may be a link of the account into the home directory', () => {
    fs.mkdirSync(path.join(home, 'real'));
    giveToAccount();
    replaceTree('real', uid);
    expect(rsync(['file', 'B:'])).toMatchObject({ status: 0 });
  });

  test('may not be a link of the account that leads elsewhere, nor contain the home directory', () => {
    const outside = path.join(base, 'outside');
    fs.mkdirSync(outside);
    fs.chmodSync(outside, 0o777);
    for (const target of [outside, '..', '.', home]) {
      replaceTree(target, uid);
      const { status, stderr } = rsync(['file', 'B:']);
      expect(status).not.toBe(0);
      expect(stderr).toMatch(/^novaboot-shell: (?:~\/tftproot |Cannot use ~\/tftproot)[^\n]*\n/);
    }
    replaceTree(home, 0);
    expect(rsync(['file', 'B:']).stderr).toContain('must not contain the home directory');
    expect(fs.readdirSync(outside)).toEqual([]);
  });

  test('a file in its place is one clear error', () => {
    fs.rmdirSync(tree);
    fs.writeFileSync(tree, '');
    expect(rsync(['file', 'B:']).stderr).toContain('novaboot-shell: Cannot use ~/tftproot: ENOTDIR');
  });
});

describe('downloads', () => {
  const into = () => path.join(base, 'download');

  beforeEach(() => {
    write(path.join(tree, 'x/y'), 'from the board');
    write(path.join(tree, 'top'), 'top');
    fs.symlinkSync('../.ssh', path.join(tree, 'out'));
    giveToAccount();
  });

  test('the tree, parts of it, and its list', () => {
    expect(rsync(['-a', 'B:', `${into()}/`])).toMatchObject({ status: 0 });
    expect(fs.readFileSync(path.join(into(), 'x/y'), 'utf8')).toBe('from the board');
    expect(fs.readlinkSync(path.join(into(), 'out'))).toBe('../.ssh');
    expect(rsync(['-a', 'B:x/y', ':top', into()])).toMatchObject({ status: 0 });
    expect(rsync(['B:']).stdout).toContain('top');
    expect(rsync(['-a', 'B:missing', into()]).status).toBe(23);
  });

  test('not what lies behind a link', () => {
    for (const name of ['out/', 'out/authorized_keys', 'out/.']) {
      for (const options of ['-a', '-aR']) {
        const { status, stderr } = rsync([options, `B:${name}`, into()]);
        expect(status).not.toBe(0);
        expect(stderr).toContain(
          `novaboot-shell: rsync: cannot use ${name}: it leads through a symbolic link`,
        );
      }
    }
    expect(fs.existsSync(path.join(into(), 'authorized_keys'))).toBe(false);
  });

  test('a file of rules outside is not read', () => {
    const { stderr, stdout } = rsync(['-a', '--filter=: ../.ssh/authorized_keys', 'B:', into()]);
    expect(stderr + stdout).not.toContain('canary');
  });

  test('are refused without Landlock', () => {
    const { status, stderr } = rsync(['-a', 'B:', into()], { abi: 0 });
    expect(status).not.toBe(0);
    expect(stderr).toContain('novaboot-shell: rsync: downloads are refused: the server lacks Landlock');
    expect(fs.existsSync(into())).toBe(false);
  });
});

describe('refused words change nothing and say one line', () => {
  test.each([
    '--server --daemon . .',
    '--server --config=tftproot/rsyncd.conf --daemon . .',
    '--server --log-file=../.novaboot-shell -r . .',
    '--server -rK . .',
    '--server -rL . .',
    '--server --files-from=- -r . .',
    '--server -s',
    '--server --temp-dir=x -r . .',
    '--server --sender -r . ../.ssh',
    '--server --sender -r . /etc/passwd',
    '--server -r . ..',
    '--server -r . a/../../x',
    '--server -r . /tmp/x',
    '--server -r . ~/x',
    '--daemon',
    '-a file host:',
    '',
  ])('rsync %s', (line) => {
    const before = canary();
    const { status, stdout, stderr } = server(line.split(' ').filter(Boolean));
    expect({ status, stdout }).toEqual({ status: 77, stdout: '' });
    expect(stderr).toMatch(/^novaboot-shell: rsync: [^\n]+\n$/);
    expect(canary()).toBe(before);
    expect(list()).toEqual([]);
  });
});

test('without Landlock the log is told, and a link that leads out ends uploads', () => {
  expect(rsync(['file', 'B:'], { abi: 0 }).stderr).toContain('LOG: novaboot-shell: upload without Landlock');
  fs.symlinkSync('../../.ssh', path.join(tree, 'plain'));
  const { status, stderr } = rsync(['file', 'B:'], { abi: 0 });
  expect(status).not.toBe(0);
  expect(stderr).toContain('uploads are refused: ~/tftproot/plain leads out of ~/tftproot');
});

test('an rsync before 3.5 takes no links, and without Landlock it deletes nothing', () => {
  const old = path.join(base, 'rsync-old');
  const script =
    '#!/bin/sh\n[ "$1" != --version ] || { echo "rsync  version 3.2.7  protocol version 31"; exit; }\n';
  fs.writeFileSync(old, `${script}exec rsync "$@"\n`, { mode: 0o755 });
  fs.symlinkSync('file', path.join(source, 'link'));
  expect(rsync(['-a', './', 'B:'], { abi: 0, rsync: old })).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(/^novaboot-shell: rsync: symbolic links are left out: /m),
  });
  expect(rsync(['-rt', './', 'B:'], { abi: 0, rsync: old }).stderr).not.toContain('left out');
  expect(list()).toEqual(['a', 'a/b', 'a/b/deep', 'file']);
  const { status, stderr } = rsync(['-a', '--delete', 'a/', 'B:'], { abi: 0, rsync: old });
  expect(status).not.toBe(0);
  expect(stderr).toContain('deleting is refused: the server lacks Landlock and rsync 3.5');
  expect(list()).toContain('file');
});

test('what runs is confined: a program outside the system directories does not start', () => {
  const program = path.join(base, 'rsync');
  fs.writeFileSync(program, '#!/bin/sh\nexec rsync "$@"\n', { mode: 0o755 });
  expect(rsync(['file', 'B:'], { rsync: program }).stderr).toContain('Permission denied');
  expect(list()).toEqual([]);
  expect(rsync(['file', 'B:'], { rsync: program, abi: 0 })).toMatchObject({ status: 0 });
});
