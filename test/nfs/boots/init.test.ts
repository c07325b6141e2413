import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { findInit } from '../../../src/nfs/boots/init.ts';
import { symlink } from '../../../src/nfs/procedures/symlink.ts';
import { PutOff } from '../../../src/nfs/put-off.ts';
import { FileError } from '../../../src/system/file-error.ts';
import { at, handleOf, type LocalExport, localExport, sattr } from '../procedures/local-export.ts';

let local: LocalExport;
beforeEach(async () => {
  local = await localExport();
  for (const name of ['sbin', 'etc', 'bin', 'usr/lib/systemd']) {
    fs.mkdirSync(path.join(local.path, name), { recursive: true });
  }
});

const here = (name: string) => path.join(local.path, name);
const write = (name: string) => fs.writeFileSync(here(name), '');
const link = (target: string, name: string) => fs.symlinkSync(target, here(name));
const init = () => findInit(local.vfs, local.vfs.root);
const inoOf = (name: string) => fs.statSync(here(name)).ino;

describe('the first program', () => {
  it('is the first of four', () => {
    expect(init()).toBeNull();
    for (const name of ['/bin/sh', '/bin/init', '/etc/init', '/sbin/init']) {
      write(name);
      expect(init()).toEqual({ name, ino: inoOf(name) });
    }
  });

  it.each([
    ['../usr/lib/systemd/systemd'],
    ['/usr/lib/systemd/systemd'],
    ['../../../usr//lib/./systemd/systemd'],
    ['/../lib/systemd/systemd'],
    ['first'],
  ])('is behind a link: %s', (target) => {
    write('usr/lib/systemd/systemd');
    link('usr/lib', 'lib');
    link('/lib/systemd/systemd', 'sbin/first');
    link(target, 'sbin/init');
    expect(init()).toEqual({ name: '/sbin/init', ino: inoOf('usr/lib/systemd/systemd') });
  });

  it('is behind links that boards and archives make', async () => {
    write('usr/lib/systemd/systemd');
    const { nfs, root } = local;
    const symlinkOf = (target: string) => ({
      symlink_attributes: sattr(),
      symlink_data: Buffer.from(target),
    });
    await nfs.ok(symlink, { where: at(root, 'lib'), symlink: symlinkOf('usr/lib') });
    const sbin = await handleOf(nfs, root, 'sbin');
    await nfs.ok(symlink, { where: at(sbin, 'init'), symlink: symlinkOf('/lib/systemd/systemd') });
    expect(init()).toEqual({ name: '/sbin/init', ino: inoOf('usr/lib/systemd/systemd') });
  });

  it('is searched in the directory that is mounted', () => {
    fs.mkdirSync(here('usr/sbin'));
    fs.writeFileSync(here('usr/target'), '');
    link('../../../../target', 'usr/sbin/init');
    expect(init()).toBeNull();
    const usr = local.vfs.directory(here('usr'));
    expect(findInit(local.vfs, usr)).toEqual({ name: '/sbin/init', ino: inoOf('usr/target') });
  });

  it.each([
    'absent',
    'init',
    '../sbin/init',
    '/etc',
    '/proc/1/exe',
    '../../../../../../../bin/sh',
    'x'.repeat(300),
  ])('is not a link to %s', (target) => {
    link(target, 'sbin/init');
    write('bin/init');
    expect(init()).toMatchObject({ name: '/bin/init' });
  });

  it('is no directory, and not in a file', () => {
    fs.rmdirSync(here('sbin'));
    write('sbin');
    fs.mkdirSync(here('etc/init'));
    expect(init()).toBeNull();
  });

  it('is not searched for long', () => {
    const long = 'sbin/../'.repeat(500);
    for (let count = 0; count < 39; count += 1) link(`${long}l${count + 1}`, `l${count}`);
    link('/l0', 'sbin/init');
    write('l39');
    write('bin/sh');
    const lookup = vi.spyOn(local.vfs, 'lookup');
    expect(init()).toMatchObject({ name: '/bin/sh' });
    expect(lookup.mock.calls.length).toBeLessThan(300);
  });

  it.each([new PutOff(Promise.resolve()), new FileError('EIO')])('may be unknown: %s', (error) => {
    vi.spyOn(local.vfs, 'lookup').mockImplementation(() => {
      throw error;
    });
    expect(init()).toBeUndefined();
  });
});
