/** Root file systems up and down: where they may go, and that nothing of them is lost. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lockRoots } from '../../src/rootfs/lock.ts';
import { rootsOf } from '../../src/rootfs/roots.ts';
import { listEveryKind, makeEveryKind } from '../support/every-kind.ts';
import {
  asSuperuser,
  base,
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
import type { ServerSettings } from '../support/rsync-server.ts';
import { compareTrees } from '../support/tree-listing.ts';

beforeEach(() => makeBoard('rsync-nfsroot'));
afterEach(removeBoard);

const WHOLE = ['-aHAXS', '--numeric-ids'];

function ok(args: readonly string[], settings: Partial<ServerSettings> = {}): Result {
  const result = rsync(args, settings);
  expect(result).toMatchObject({ status: 0 });
  return result;
}

function attribute(name: string): string {
  const argv = ['--only-values', '-n', 'user.rsync.%stat', path.join(tree, name)];
  return spawnSync('getfattr', argv, { encoding: 'utf8' }).stdout.replace(/\0$/, '');
}

describe.each([
  ['with user namespaces', {}],
  ['without user namespaces', { userNamespaces: false }],
] as [string, Partial<ServerSettings>][])('%s', (_, settings) => {
  test('every kind of file comes back as it was', () => {
    const original = path.join(base, 'original');
    const copy = path.join(base, 'copy');
    makeEveryKind(original, uid);
    const before = listEveryKind(original);
    for (const options of [['--delete'], ['--inplace', '--delete-after'], ['--protocol=31'], ['-z', '-c']]) {
      const all = [...WHOLE, ...options];
      expect(ok([...all, `${original}/`, 'B:root/'], settings).stderr).toBe('');
      expect(ok([...all, 'B:root/', `${copy}/`], settings).stderr).toBe('');
      expect(compareTrees(before, listEveryKind(copy))).toEqual({});
      fs.rmSync(copy, { recursive: true });
    }
    expect(compareTrees(before, listEveryKind(original))).toEqual({});
    const nothing = ok([...WHOLE, '-i', `${original}/`, 'B:root/'], settings);
    expect(nothing.stdout).toBe('');
  });

  test('whose file it is without an attribute', () => {
    ok(['-a', 'file', 'B:'], settings);
    ok(['-a', `--chown=${uid}:${uid}`, 'a', 'B:'], settings);
    const isRoot = settings.userNamespaces !== false;
    expect(attribute('file')).toBe(isRoot ? '' : '100644 0,0 0:0');
    expect(attribute('a/b/deep')).toBe(isRoot ? `100644 0,0 ${uid}:${uid}` : '');
  });
});

describe('uploads', () => {
  test('an archive, as the novaboot client does', () => {
    write(path.join(source, 'rootfs.tar'), 'archive');
    ok(['rootfs.tar', 'B:.']);
    expect(read('rootfs.tar')).toBe('archive');
    expect(fs.statSync(tree).mode & 0o777).toBe(0o700);
    expect(fs.statSync(path.dirname(tree)).mode & 0o777).toBe(0o700);
  });

  test('the root and other directories are made, subdirectories found', () => {
    fs.rmSync(path.dirname(tree), { recursive: true });
    ok([...WHOLE, 'a/', 'B:root/']);
    ok([...WHOLE, '--delete', 'a/b/', 'B:root/usr/']);
    ok([...WHOLE, '--mkpath', 'file', 'B:other/x/y']);
    expect(list()).toEqual([
      'other',
      'other/x',
      'other/x/y',
      'root',
      'root/b',
      'root/b/deep',
      'root/usr',
      'root/usr/deep',
    ]);
  });

  test('owners can be mapped on the way', () => {
    for (const options of [[], ['--old-args'], ['--numeric-ids']]) {
      ok(['-a', ...options, '--chown=5:6', 'file', 'B:']);
      expect(attribute('file')).toBe('100644 0,0 5:6');
      ok(['-aI', ...options, '--usermap=0-9:7', '--groupmap=*:daemon', 'file', 'B:']);
      expect(attribute('file')).toBe('100644 0,0 7:1');
    }
  });

  test('fake-super may be asked for, and cannot be taken away', () => {
    fs.symlinkSync('/etc', path.join(source, 'link'));
    ok(['-a', '-M--fake-super', 'link', 'B:']);
    expect(read('link')).toBe('/etc');
    for (const option of ['--super', '--no-super', '--drop-D']) {
      const { status, stderr } = rsync(['-a', `-M${option}`, 'file', 'B:']);
      expect(status).not.toBe(0);
      expect(stderr).toContain(`novaboot-shell: rsync: option ${option} is not allowed`);
    }
  });

  test('what lies beside the root is safe', () => {
    write(path.join(tree, '.replaced/1/file'), 'old root');
    write(path.join(tree, 'root/file'), 'root');
    giveToAccount();
    const before = list();
    for (const destination of [
      '.replaced',
      '.replaced/',
      '.replaced/1/',
      './/.replaced/1/file',
      './.replaced',
    ]) {
      const { status, stderr } = rsync(['-a', 'file', `B:${destination}`]);
      expect(status).not.toBe(0);
      expect(stderr).toContain(
        'novaboot-shell: rsync: .replaced holds replaced roots; uploads to it are refused',
      );
    }
    for (const destination of ['', './/.']) {
      for (const option of [
        '--delete',
        '--delete-after',
        '--del',
        '--delete-excluded',
        '--delete-missing-args',
        '--force',
      ]) {
        const { status, stderr } = rsync(['-a', option, './', `B:${destination}`]);
        expect(status).not.toBe(0);
        expect(stderr).toContain('use it with board:root/');
      }
    }
    expect(list()).toEqual(before);
    ok(['-a', 'B:.replaced/1/', `${base}/old/`]);
    expect(fs.readFileSync(path.join(base, 'old/file'), 'utf8')).toBe('old root');
  });

  test('a file that is called root does not take the place of the directory', () => {
    fs.mkdirSync(path.join(tree, 'root'), { recursive: true });
    write(path.join(source, 'root'));
    const { status, stderr } = rsync(['-a', 'root', 'file', 'B:']);
    expect(status).toBe(23);
    expect(stderr).toContain('root');
    expect(fs.statSync(path.join(tree, 'root')).isDirectory()).toBe(true);
    expect(fs.existsSync(path.join(tree, 'file'))).toBe(true);
  });

  test('an attribute that the file system cannot hold fails that file, by name', () => {
    const large = path.join(source, 'a/large');
    write(large);
    // As many as the source's file system holds; on the server their names are longer.
    const set = (number: number) =>
      asSuperuser('setfattr', '-n', `trusted.number${number}`, '-v', 'x'.repeat(50), large);
    let number = 0;
    expect(() => {
      for (; number < 1000; number += 1) set(number);
    }).toThrow();
    expect(number).toBeGreaterThan(20);
    const { status, stderr } = rsync([...WHOLE, './', 'B:root/']);
    expect(status).toBe(23);
    expect(stderr).toMatch(/a\/\.?large[^\n]*No space left on device/);
    expect(read('root/a/b/deep')).toBe('new');
  });
});

test('a real symbolic link, made by hand, is downloaded as one and never followed', () => {
  fs.mkdirSync(path.join(tree, 'root/etc'), { recursive: true });
  write(path.join(tree, 'root/etc/hosts'), 'hosts');
  fs.symlinkSync('../../../.ssh', path.join(tree, 'root/out'));
  fs.symlinkSync('etc', path.join(tree, 'root/within'));
  giveToAccount();
  const copy = path.join(base, 'copy');
  ok([...WHOLE, 'B:root/', `${copy}/`]);
  expect(fs.readlinkSync(path.join(copy, 'out'))).toBe('../../../.ssh');
  for (const name of ['out/', 'out/authorized_keys', 'within/', 'within/hosts']) {
    const { status, stderr } = rsync(['-a', `B:root/${name}`, `${base}/stolen/`]);
    expect(status).not.toBe(0);
    expect(stderr).toContain('it leads through a symbolic link');
  }
  expect(fs.existsSync(path.join(base, 'stolen'))).toBe(false);
  // What comes back takes its place, in the stored form.
  ok([...WHOLE, `${copy}/`, 'B:root/']);
  expect(read('root/out')).toBe('../../../.ssh');
  expect(fs.lstatSync(path.join(tree, 'root/out')).isFile()).toBe(true);
});

describe('what runs is confined', () => {
  test('a program outside the system directories does not start', () => {
    const program = path.join(base, 'rsync');
    fs.writeFileSync(program, '#!/bin/sh\nexec rsync "$@"\n', { mode: 0o755 });
    for (const userNamespaces of [true, false]) {
      const { stderr } = rsync(['file', 'B:'], { rsync: program, userNamespaces });
      expect(stderr).toContain('Permission denied');
    }
    expect(list()).toEqual(['root']);
  });

  test.each(['../../.ssh/authorized_keys', '../alice/secret'])('a file of rules is not read: %s', (name) => {
    write(path.join(home, 'nfsroot/alice/secret'), 'canary');
    giveToAccount();
    const copy = path.join(base, 'copy');
    for (const args of [
      ['B:', copy],
      ['--delete', './', 'B:root/'],
    ]) {
      const { stderr, stdout } = rsync(['-a', `--filter=: ${name}`, ...args]);
      expect(stderr + stdout).not.toContain('canary');
    }
  });
});

describe('without what it needs', () => {
  test('a key without a name is refused', () => {
    const { status, stderr } = rsync(['file', 'B:'], { user: null });
    expect(stderr).toContain('novaboot-shell: rsync-nfsroot needs a key with command="user NAME"\n');
    expect(status).not.toBe(0);
  });

  test('a board without NFS is refused', () => {
    fs.rmSync(path.join(home, '.novaboot-nfs'));
    const { status, stdout, stderr } = server(['--server', '-r', '.', '.']);
    expect({ status, stdout }).toEqual({ status: 69, stdout: '' });
    expect(stderr).toMatch(/^novaboot-shell: NFS is not enabled[^\n]+\n$/);
  });

  test('who changes the roots as a whole keeps it out', () => {
    const shared = lockRoots(rootsOf(tree), 'shared');
    ok(['file', 'B:']);
    fs.closeSync(shared);
    const exclusive = lockRoots(rootsOf(tree), 'exclusive');
    const { status, stderr } = server(['--server', '-r', '.', '.']);
    fs.closeSync(exclusive);
    expect(status).toBe(75);
    expect(stderr).toMatch(/^novaboot-shell: Another untar[^\n]+\n$/);
  });
});
