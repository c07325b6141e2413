import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { O_PATH, openBeneath } from '../../src/system/openat2.ts';

let base: string;
let root: number;
const opened: number[] = [];

function open(name: string | Buffer, flags = O_PATH): number {
  const fd = openBeneath(root, name, flags);
  opened.push(fd);
  return fd;
}

beforeEach(() => {
  base = fs.mkdtempSync(path.join(os.tmpdir(), 'openat2-'));
  fs.mkdirSync(path.join(base, 'outside'));
  fs.writeFileSync(path.join(base, 'outside/file'), 'canary');
  fs.mkdirSync(path.join(base, 'root/a/b'), { recursive: true });
  fs.writeFileSync(path.join(base, 'root/a/file'), 'inside');
  fs.symlinkSync('../outside', path.join(base, 'root/out'));
  fs.symlinkSync('a', path.join(base, 'root/in'));
  fs.symlinkSync('/', path.join(base, 'root/absolute'));
  root = fs.openSync(path.join(base, 'root'), O_PATH | fs.constants.O_DIRECTORY);
});

afterEach(() => {
  for (const fd of [root, ...opened.splice(0)]) fs.closeSync(fd);
  fs.rmSync(base, { recursive: true });
});

describe('openBeneath', () => {
  test('opens what is beneath', () => {
    expect(fs.readFileSync(open('a/file', fs.constants.O_RDONLY), 'utf8')).toBe('inside');
    expect(fs.readlinkSync(`/proc/self/fd/${open('.')}`)).toBe(path.join(base, 'root'));
    expect(fs.readlinkSync(`/proc/self/fd/${open('a/../a/b')}`)).toBe(path.join(base, 'root/a/b'));
  });

  test('takes names as bytes', () => {
    const name = Buffer.from([0x66, 0xff, 0xfe]);
    fs.writeFileSync(Buffer.concat([Buffer.from(path.join(base, 'root/')), name]), 'bytes');
    expect(fs.readFileSync(open(name, fs.constants.O_RDONLY), 'utf8')).toBe('bytes');
  });

  test.each([
    ['out', 'ELOOP'],
    ['out/file', 'ELOOP'],
    ['in', 'ELOOP'],
    ['in/file', 'ELOOP'],
    ['absolute', 'ELOOP'],
    ['absolute/etc/passwd', 'ELOOP'],
    ['..', 'EXDEV'],
    ['../outside/file', 'EXDEV'],
    ['a/../../outside', 'EXDEV'],
    ['/', 'EXDEV'],
    ['/etc/passwd', 'EXDEV'],
    ['missing', 'ENOENT'],
    ['a/file/x', 'ENOTDIR'],
    ['', 'ENOENT'],
  ])('%j: %s', (name, code) => {
    expect(() => open(name)).toThrow(expect.objectContaining({ code }));
  });

  test('the descriptor closes on exec', () => {
    const info = fs.readFileSync(`/proc/self/fdinfo/${open('a')}`, 'utf8');
    expect(Number.parseInt(/flags:\s*(\d+)/.exec(info)?.[1] ?? '', 8) & 0o2000000).not.toBe(0);
  });

  test('a component that turns into a link meanwhile never leads out', () => {
    const swap = path.join(base, 'root/swap');
    const target = path.join(base, 'outside');
    const outcomes = new Set<string>();
    for (let round = 0; round < 200; round += 1) {
      if (round % 2) fs.symlinkSync('../outside', swap);
      else fs.mkdirSync(swap);
      try {
        outcomes.add(fs.readlinkSync(`/proc/self/fd/${open('swap')}`));
      } catch (error) {
        outcomes.add((error as NodeJS.ErrnoException).code ?? '');
      }
      fs.rmSync(swap, { recursive: true });
    }
    expect(outcomes).not.toContain(target);
    expect(outcomes).toEqual(new Set([path.join(base, 'root/swap'), 'ELOOP']));
  });
});
