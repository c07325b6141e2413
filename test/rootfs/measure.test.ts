/** The walk against du(1) and find(1). */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { measure, measuring } from '../../src/rootfs/measure.ts';

let top: string;
beforeEach(() => {
  top = fs.mkdtempSync(path.join(os.tmpdir(), 'measure-'));
});
afterEach(() => {
  execFileSync('rm', ['-rf', top]);
});

const at = (...names: string[]) => path.join(top, ...names);

function byOthers(directory: string) {
  const bytes = Number(execFileSync('du', ['-sx', '-B1', directory], { encoding: 'latin1' }).split('\t')[0]);
  const found = execFileSync('find', [directory, '-xdev', '-printf', '%i\n'], { encoding: 'latin1' });
  return { bytes, files: new Set(found.trim().split('\n')).size };
}

test('counts blocks and inodes as others do', () => {
  for (let index = 0; index < 300; index += 1) {
    fs.mkdirSync(at(`d${index % 7}`, `e${index % 3}`), { recursive: true });
    fs.writeFileSync(at(`d${index % 7}`, `e${index % 3}`, `f${index}`), Buffer.alloc(index * 321));
  }
  // Names without and with bytes that are no UTF-8, of one file; a hole; what is no file.
  fs.linkSync(at('d1', 'e1', 'f1'), at('d2', 'another'));
  fs.linkSync(at('d1', 'e1', 'f1'), Buffer.concat([Buffer.from(at('d3', 'x')), Buffer.of(0xff, 0x80)]));
  fs.truncateSync(at('d1', 'e1', 'f1'), 1e9);
  fs.symlinkSync('/etc', at('etc'));
  execFileSync('mkfifo', [at('fifo')]);
  expect(measure(top)).toEqual(byOthers(top));
});

test('leaves out what it is told to leave out', () => {
  for (const name of ['root', 'other']) {
    fs.mkdirSync(at(name, 'root'), { recursive: true });
    fs.writeFileSync(at(name, 'root', 'file'), 'x');
  }
  const all = measure(top);
  const root = measure(at('root'));
  expect(measure(top, ['root'])).toEqual({ bytes: all.bytes - root.bytes, files: all.files - root.files });
  expect(root.files).toBe(3);
});

test('goes down deeper than a path can be long', () => {
  // By a program that changes into each directory.
  execFileSync('perl', [
    '-e',
    'chdir shift; $d = "d" x 100; for (1..300) { mkdir $d; chdir $d or die }',
    top,
  ]);
  const before = fs.readdirSync('/proc/self/fd').length;
  expect(measure(top).files).toBe(301);
  expect(fs.readdirSync('/proc/self/fd')).toHaveLength(before);
});

test('goes on where directories vanish under it', () => {
  for (const name of ['a', 'b', 'c']) fs.mkdirSync(at(name, 'below'), { recursive: true });
  const walk = measuring(top);
  walk.next();
  fs.rmSync(at('a'), { recursive: true });
  fs.rmSync(at('b'), { recursive: true });
  fs.symlinkSync('/usr', at('b'));
  const files = [...walk].at(-1)?.files;
  // The names of all three were seen, and what is in one.
  expect(files).toBe(5);
});
