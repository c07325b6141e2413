import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findJournalPlace, findPlace } from '../../src/tftp/place.ts';
import { asRoot } from '../support/debian-tree.ts';

/** Somebody who is neither root nor us. */
const ACCOUNT = 12_345;
let base: string;
const at = (name: string) => path.join(base, name);

beforeEach(() => {
  base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'tftp-')));
  for (const name of ['srv/rpi4', 'home/x/boot/tftp', 'home/y/tftproot']) {
    fs.mkdirSync(at(name), { recursive: true });
  }
});
afterEach(() => fs.rmSync(base, { recursive: true }));

const place = (name: string) => path.relative(base, findPlace(at(name)).path);

describe('the place of a tree', () => {
  it('is where it seems to be', () => {
    expect(place('srv/rpi4')).toBe('srv/rpi4');
    expect(place('srv/./rpi4/')).toBe('srv/rpi4');
  });

  it('is behind links of our own, relative and absolute ones', () => {
    fs.symlinkSync(at('home/x/tftproot'), at('srv/x'));
    fs.symlinkSync('../x/boot/.//tftp/../tftp', at('home/x/tftproot'));
    expect(place('srv/x')).toBe('home/x/boot/tftp');
  });

  it('has another identity when another directory takes its place', () => {
    const before = findPlace(at('srv/rpi4'));
    expect(findPlace(at('srv/rpi4'))).toEqual(before);
    fs.renameSync(at('srv/rpi4'), at('srv/old'));
    fs.mkdirSync(at('srv/rpi4'));
    expect(findPlace(at('srv/rpi4'))).toEqual({
      path: before.path,
      identity: expect.not.stringMatching(before.identity),
    });
  });

  it.each([
    ['absent', 'no such directory'],
    ['srv/absent/x', 'no such directory'],
    ['file', 'not a directory'],
    ['file/x', 'not a directory'],
    ['loop', 'too many symbolic links'],
    ['root', 'is the whole file system'],
    ['dangling', 'no such directory'],
  ])('is none: %s', (name, problem) => {
    fs.writeFileSync(at('file'), '');
    fs.symlinkSync('loop', at('loop'));
    fs.symlinkSync('/', at('root'));
    fs.symlinkSync('absent', at('dangling'));
    expect(() => findPlace(at(name))).toThrow(`${at(name)}: ${problem}`);
  });
});

describe('the place of journals', () => {
  it('is a directory that nobody else may write to', () => {
    fs.chmodSync(at('srv'), 0o711);
    expect(findJournalPlace(at('srv'), [at('sr'), at('home')])).toEqual(findPlace(at('srv')));
    for (const mode of [0o771, 0o717, 0o1777]) {
      fs.chmodSync(at('srv'), mode);
      expect(() => findJournalPlace(at('srv'), [])).toThrow(`${at('srv')}: others may write to it`);
    }
  });

  it('belongs to nobody else', () => {
    const [file = '', ...args] = [...asRoot, 'chown', String(ACCOUNT), at('srv/rpi4')];
    execFileSync(file, args);
    expect(() => findJournalPlace(at('srv/rpi4'), [])).toThrow('others may write to it');
  });

  it.each([
    ['srv/rpi4', 'srv/rpi4'],
    ['srv/link', 'srv/rpi4'],
    ['srv/rpi4', 'srv'],
  ])('is not served: %s', (name, tree) => {
    fs.symlinkSync('rpi4', at('srv/link'));
    expect(() => findJournalPlace(at(name), [at('home'), at(tree)])).toThrow(
      `${at(name)}: is in ${at(tree)}, which is served`,
    );
  });
});

it('the place of journals holds no tree', () => {
  fs.chmodSync(at('srv'), 0o711);
  expect(() => findJournalPlace(at('srv'), [at('srv/rpi4')])).toThrow(
    `${at('srv')}: holds ${at('srv/rpi4')}`,
  );
});

describe('a link of an account', () => {
  function link(target: string, name: string): void {
    fs.symlinkSync(target, at(name));
    const [file = '', ...args] = [...asRoot, 'chown', '-h', String(ACCOUNT), at(name)];
    execFileSync(file, args);
  }

  it('leads to the directory that it is in', () => {
    link('boot/tftp', 'home/x/tftproot');
    fs.symlinkSync(at('home/x/tftproot'), at('srv/x'));
    expect(place('srv/x')).toBe('home/x/boot/tftp');
  });

  it.each(['../y/tftproot', '..', '../y/../x', '.', '/'])('leads nowhere else: %s', (target) => {
    link(target, 'home/x/tftproot');
    expect(() => place('home/x/tftproot')).toThrow(/must belong to root|is the whole file system/);
  });

  it('leads nowhere else through a link of ours', () => {
    fs.symlinkSync(at('home/y/tftproot'), at('home/x/out'));
    link('out', 'home/x/tftproot');
    expect(() => place('home/x/tftproot')).toThrow('must belong to root');
  });

  it('leads nowhere else on the way', () => {
    link('../y', 'home/x/boot2');
    expect(() => place('home/x/boot2/tftproot')).toThrow('must belong to root');
  });
});
