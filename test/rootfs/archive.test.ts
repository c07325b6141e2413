/** An archive of a tree that others change meanwhile, and of what only a hand-made tree holds. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeArchive } from '../../src/rootfs/archive.ts';

let top: string;
beforeEach(() => {
  top = fs.mkdtempSync(path.join(os.tmpdir(), 'archive-'));
  fs.mkdirSync(at('tree'));
});
afterEach(() => {
  execFileSync('rm', ['-rf', top]);
});

const at = (...names: string[]) => path.join(top, ...names);
const tree = (...names: string[]) => at('tree', ...names);

interface Written {
  /** Paths with what they lack. */
  readonly lacking: readonly string[];
  readonly skipped: readonly string[];
  /** The names that GNU tar lists. */
  readonly names: readonly string[];
}

/** @param during is called with the name of each entry whose header is written */
function write(during: (name: string) => void = () => {}): Written {
  const out = fs.openSync(at('tar'), 'w');
  const directory = fs.openSync(tree(), 'r');
  const lacking: string[] = [];
  const skipped: string[] = [];
  writeArchive(
    directory,
    { uid: 0, gid: 0 },
    {
      write(data) {
        fs.writeSync(out, data);
        // A header of the ustar format has its magic number here.
        if (data.toString('latin1', 257, 262) === 'ustar')
          during(data.toString('latin1', 0, data.indexOf(0)));
      },
      lack: (name, what) => lacking.push(`${name}: ${what}`),
      skip: (name, what) => skipped.push(`${name}: ${what}`),
    },
  );
  for (const fd of [out, directory]) fs.closeSync(fd);
  const names = execFileSync('tar', ['-tf', at('tar')], { encoding: 'utf8' })
    .trim()
    .split('\n');
  return { lacking, skipped, names };
}

/** Without fractions, no extended header comes first. */
function put(name: string, content: string | Buffer = name): void {
  fs.writeFileSync(tree(name), content);
  fs.utimesSync(tree(name), 1e9, 1e9);
}

function extract(): void {
  fs.mkdirSync(at('copy'));
  execFileSync('tar', ['-C', at('copy'), '-xpf', at('tar')]);
}

test('what vanishes is left out', () => {
  for (const name of ['a', 'b', 'c']) put(name);
  const { lacking, names } = write((name) => name === './a' && fs.rmSync(tree('b')));
  expect(lacking).toEqual(['b: vanished']);
  expect(names).toEqual(['./', './a', './c']);
});

test('what shrinks is filled up, what grows is cut off', () => {
  put('a', Buffer.alloc(3_000_000, 'a'));
  put('b', Buffer.alloc(3_000_000, 'b'));
  put('c');
  const { lacking, names } = write((name) => {
    if (name === './a') fs.truncateSync(tree('a'), 1_500_000);
    if (name === './b') fs.appendFileSync(tree('b'), 'more');
  });
  expect(lacking).toEqual([
    'a: shrank by 1500000 bytes, which are zeros now',
    'b: changed while it was read',
  ]);
  expect(names).toEqual(['./', './a', './b', './c']);
  extract();
  const expected = Buffer.concat([Buffer.alloc(1_500_000, 'a'), Buffer.alloc(1_500_000)]);
  expect(fs.readFileSync(at('copy/a')).equals(expected)).toBe(true);
  expect(fs.readFileSync(at('copy/b')).equals(Buffer.alloc(3_000_000, 'b'))).toBe(true);
});

test('what becomes something else is not followed', () => {
  put('a');
  put('b');
  fs.mkdirSync(tree('c'));
  fs.writeFileSync(at('secret'), 'secret');
  const { lacking, names } = write((name) => {
    if (name !== './a') return;
    fs.rmSync(tree('b'));
    fs.symlinkSync('../secret', tree('b'));
    fs.rmdirSync(tree('c'));
    fs.symlinkSync('..', tree('c'));
  });
  // Links are what they are now.
  expect({ lacking, names }).toEqual({ lacking: [], names: ['./', './a', './b', './c'] });
  extract();
  expect(fs.readlinkSync(at('copy/b'))).toBe('../secret');
  expect(fs.readdirSync(at('copy')).sort()).toEqual(['a', 'b', 'c']);
});

test('real links, FIFOs and sockets', () => {
  fs.symlinkSync('nowhere', tree('link'));
  execFileSync('mkfifo', [tree('pipe')]);
  const listen = 'require("net").createServer().listen(process.argv[1], () => process.exit())';
  spawnSync(process.execPath, ['-e', listen, tree('socket')]);
  const { skipped, lacking, names } = write();
  expect({ skipped, lacking }).toEqual({ skipped: ['socket: a socket, left out'], lacking: [] });
  expect(names).toEqual(['./', './link', './pipe']);
  extract();
  expect(fs.readlinkSync(at('copy/link'))).toBe('nowhere');
  expect(fs.statSync(at('copy/pipe')).isFIFO()).toBe(true);
});

test('a file of a terabyte of holes takes no time and no room', () => {
  put('holes', '');
  fs.truncateSync(tree('holes'), 2 ** 40);
  const fd = fs.openSync(tree('holes'), 'r+');
  fs.writeSync(fd, 'data', 2 ** 39);
  fs.closeSync(fd);
  expect(write().lacking).toEqual([]);
  expect(fs.statSync(at('tar')).size).toBeLessThan(100_000);
  extract();
  const copy = fs.statSync(at('copy/holes'));
  expect({ size: copy.size, small: copy.blocks < 100 }).toEqual({ size: 2 ** 40, small: true });
  const data = Buffer.alloc(6);
  const read = fs.openSync(at('copy/holes'), 'r');
  fs.readSync(read, data, 0, 6, 2 ** 39 - 1);
  fs.closeSync(read);
  expect(data.toString('latin1')).toBe('\0data\0');
});

test('directories within directories, 1000 deep', () => {
  const deep = Array.from({ length: 1000 }, () => 'd').join('/');
  fs.mkdirSync(tree(deep), { recursive: true });
  fs.writeFileSync(tree(deep, 'file'), 'x');
  const { lacking, names } = write();
  expect(lacking).toEqual([]);
  expect(names.at(-1)).toBe(`./${deep}/file`);
});

test('what lies deeper is named, and the rest is there', () => {
  execFileSync('perl', ['-e', 'chdir shift; for (1 .. 4000) { mkdir "d"; chdir "d" or die $! }', tree()]);
  put('e');
  const { lacking, names } = write();
  const deepest = Array.from({ length: 1001 }, () => 'd').join('/');
  expect(lacking).toEqual([`${deepest}: has files more than 1000 directories deep`]);
  expect(names.slice(-2)).toEqual([`./${deepest}/`, './e']);
});
