/** What commands know of a user's usage, without a server. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RootError } from '../../src/rootfs/errors.ts';
import { identityOf } from '../../src/rootfs/identity.ts';
import { measure } from '../../src/rootfs/measure.ts';
import { limitsOf, minus, parseSize, plus } from '../../src/rootfs/quota.ts';
import { type Roots, rootsOf } from '../../src/rootfs/roots.ts';
import {
  countedOf,
  type Ledger,
  markDirty,
  roomForNewRoot,
  settle,
  treeAdded,
  treeRemoved,
  usageOf,
} from '../../src/rootfs/usage.ts';
import { UsageFile, type UsageRecord } from '../../src/rootfs/usage-file.ts';

const CHILD = new URL('./usage-child.ts', import.meta.url).pathname;
const MB = 1024 * 1024;

let home: string;
let roots: Roots;
let file: string;
beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'usage-'));
  roots = rootsOf(path.join(home, 'nfsroot/alice'));
  file = path.join(home, 'alice.usage');
  put(roots.live, 'file', 100_000);
  put(roots.base, 'rootfs.tar', 200_000);
  put(path.join(roots.replaced, '3'), 'old', 300_000);
  put(path.join(roots.saved, 'one'), 'saved', 50_000);
});
afterEach(() => execFileSync('rm', ['-rf', home]));

function put(directory: string, name: string, size: number): void {
  fs.mkdirSync(directory, { recursive: true });
  fs.writeFileSync(path.join(directory, name), Buffer.alloc(size, 1));
}

function ledger(quota = 10 * MB, maxFiles = 0): Ledger {
  return { roots, limits: limitsOf(quota, maxFiles), file, serverPid: () => undefined };
}

const record = () => JSON.parse(fs.readFileSync(file, 'utf8')) as UsageRecord;
const uploads = () => measure(roots.base, ['root', '.replaced']);
const byWalk = () => ({
  live: measure(roots.live),
  uploads: uploads(),
  replaced: new Map([[3, measure(path.join(roots.replaced, '3'))]]),
  saved: new Map([['one', measure(path.join(roots.saved, 'one'))]]),
});

describe('usageOf', () => {
  it('walks, and keeps what it found', () => {
    expect(usageOf(ledger())).toEqual(byWalk());
    expect(record().dirty).toBe(0);
    // Nobody has said a word of this file.
    const before = byWalk();
    put(roots.live, 'unseen', 100_000);
    expect(usageOf(ledger())).toEqual(before);
  });

  it('walks without a quota, and keeps nothing', () => {
    expect(usageOf(ledger(0))).toEqual(byWalk());
    expect(fs.existsSync(file)).toBe(false);
  });

  it.each([
    ['garbled', 'nonsense'],
    ['cut off', '{"version":1,"boot":"'],
    ['of a later version', '{"version":2}'],
    ['empty', ''],
  ])('walks where the file is %s', (_, text) => {
    fs.writeFileSync(file, text);
    expect(usageOf(ledger())).toEqual(byWalk());
    expect(record().dirty).toBe(0);
  });

  it('walks after another boot, and after the sudden end of a server', () => {
    usageOf(ledger());
    for (const change of [{ boot: 'another' }, { served: true }]) {
      put(roots.live, 'unseen', 10_000 + Math.floor(Math.random() * 100_000));
      fs.writeFileSync(file, JSON.stringify({ ...record(), ...change }));
      expect(usageOf(ledger())).toEqual(byWalk());
      expect(record()).toMatchObject({ dirty: 0, served: false });
    }
  });

  it('believes what a server keeps, and leaves a walk of what is dirty to it', () => {
    usageOf(ledger());
    const served = { ...ledger(), serverPid: () => process.pid };
    fs.writeFileSync(file, JSON.stringify({ ...record(), served: true }));
    const before = byWalk();
    put(roots.live, 'unseen', 100_000);
    expect(usageOf(served)).toEqual(before);
    fs.writeFileSync(file, JSON.stringify({ ...record(), dirty: 5 }));
    expect(usageOf(served)).toEqual(byWalk());
    expect(record().dirty).toBe(5);
  });

  it('knows a root by what it is: an exchange needs no word', () => {
    usageOf(ledger());
    const { live, replaced } = byWalk();
    fs.renameSync(roots.live, path.join(home, 'aside'));
    fs.renameSync(path.join(roots.replaced, '3'), roots.live);
    fs.renameSync(path.join(home, 'aside'), path.join(roots.replaced, '3'));
    const usage = usageOf(ledger());
    expect(usage.live).toEqual(replaced.get(3));
    expect(usage.replaced.get(3)).toEqual(live);
  });

  it('measures a tree that nobody has told of, and forgets one that is gone', () => {
    usageOf(ledger());
    put(path.join(roots.saved, 'two'), 'file', 70_000);
    execFileSync('rm', ['-r', path.join(roots.saved, 'one')]);
    expect(usageOf(ledger()).saved).toEqual(new Map([['two', measure(path.join(roots.saved, 'two'))]]));
    expect(Object.values(record().saved)).toEqual([measure(path.join(roots.saved, 'two'))]);
  });
});

describe('rooms', () => {
  it('beside what stays', () => {
    const { live, uploads: uploaded, saved } = byWalk();
    const counted = plus(plus(live, uploaded), saved.get('one') ?? live);
    expect(countedOf(usageOf(ledger()))).toEqual(counted);
    put(roots.base, 'more', 200_000);
    fs.rmSync(file);
    const beside = plus(uploads(), saved.get('one') ?? live);
    expect(roomForNewRoot(ledger(10 * MB, 100))).toEqual(minus({ bytes: 10 * MB, files: 100 }, beside));
  });

  it('a new root has to fit beside the replaced ones as well', () => {
    const { replaced } = byWalk();
    put(path.join(roots.replaced, '3'), 'large', 8 * MB);
    const taken = measure(path.join(roots.replaced, '3')).bytes;
    expect(roomForNewRoot(ledger()).bytes).toBe(10 * MB - taken);
    expect(taken).toBeGreaterThan(replaced.get(3)?.bytes ?? 0);
    fs.rmSync(file);
    expect(() => roomForNewRoot(ledger(8 * MB))).toThrow(/^The replaced roots @3 fill the quota/);
    expect(() => roomForNewRoot(ledger(8 * MB))).toThrow(RootError);
  });

  it('none is left', () => {
    put(roots.base, 'large', 11 * MB);
    expect(() => roomForNewRoot(ledger())).toThrow('Your quota is used up');
  });

  it('without a quota there is always room', () => {
    expect(roomForNewRoot(ledger(0)).files).toBe(Number.POSITIVE_INFINITY);
    expect(fs.existsSync(file)).toBe(false);
  });
});

it('trees come and go by a word', () => {
  usageOf(ledger());
  const two = path.join(roots.saved, 'two');
  put(two, 'file', 70_000);
  treeAdded(ledger(), two);
  treeAdded(ledger(), roots.live, { bytes: 4096, files: 1 });
  const usage = usageOf(ledger());
  expect(usage.saved.get('two')).toEqual(measure(two));
  expect(usage.live).toEqual({ bytes: 4096, files: 1 });
  const fd = fs.openSync(two, 'r');
  treeRemoved(ledger(), identityOf(fd));
  fs.closeSync(fd);
  expect(Object.keys(record().saved)).toHaveLength(1);
});

it('an upload makes the figures doubtful until it is over', () => {
  usageOf(ledger());
  markDirty(ledger());
  put(roots.live, 'uploaded', 100_000);
  expect(usageOf(ledger())).toEqual(byWalk());
  expect(record().dirty, 'while it goes on').toBeGreaterThan(0);
  put(roots.live, 'more', 100_000);
  settle(ledger());
  expect(record().dirty).toBe(0);
  expect(usageOf(ledger())).toEqual(byWalk());
});

it('an upload without a quota drops what was known', () => {
  usageOf(ledger());
  markDirty(ledger(0));
  expect(fs.existsSync(file)).toBe(false);
});

describe('the file', () => {
  it('loses nothing of what two processes do at once', async () => {
    usageOf(ledger());
    const before = record().uploads.bytes;
    const children = [1, 2].map(() => spawn(process.execPath, [CHILD, file, '2000'], { stdio: 'inherit' }));
    const ends = await Promise.all(children.map((child) => once(child, 'exit')));
    expect(ends.map(([status]) => status)).toEqual([0, 0]);
    expect(record().uploads.bytes).toBe(before + 4000);
    expect(record().dirty).toBe(0);
  });

  it('grows and shrinks, and stays JSON', () => {
    const usage = new UsageFile(file);
    usage.update((known) => {
      for (let index = 0; index < 500; index += 1)
        known.saved[`${index}:abcdef`] = { bytes: index, files: 1 };
    });
    expect(Object.keys(record().saved)).toHaveLength(500);
    usage.update((known) => {
      known.saved = {};
    });
    expect(record().saved).toEqual({});
    usage.close();
  });

  it('says nothing once the disk is too full for what it should say', () => {
    usageOf(ledger());
    const full = vi.spyOn(fs, 'writeSync').mockImplementation(() => {
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    });
    try {
      const fd = fs.openSync(path.join(roots.saved, 'one'), 'r');
      treeRemoved(ledger(), identityOf(fd));
      fs.closeSync(fd);
      expect(fs.readFileSync(file, 'utf8')).toBe('');
      expect(usageOf(ledger())).toEqual(byWalk());
    } finally {
      full.mockRestore();
    }
    expect(usageOf(ledger())).toEqual(byWalk());
    expect(record().dirty).toBe(0);
  });

  it('is made anew when somebody removed it', () => {
    const usage = new UsageFile(file);
    usage.update((known) => {
      known.dirty = 0;
    });
    fs.rmSync(file);
    expect(usage.update(() => {}).dirty).toBe(1);
    expect(fs.existsSync(file)).toBe(true);
    usage.close();
  });
});

it.each([
  ['0', 0],
  ['4096', 4096],
  ['1K', 1024],
  ['20G', 20 * 1024 ** 3],
  ['7T', 7 * 1024 ** 4],
  ['9007199254740991', undefined],
  ['8191T', 8191 * 1024 ** 4],
  ['8192T', undefined],
  ['', undefined],
  ['G', undefined],
  ['20g', undefined],
  ['20GB', undefined],
  ['1.5G', undefined],
  ['-1', undefined],
  [' 1', undefined],
])('%j bytes are %j', (text, bytes) => expect(parseSize(text)).toBe(bytes));
