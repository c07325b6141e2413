import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { Digests } from '../../src/tftp/digests.ts';

const content = crypto.randomBytes(300_000);
const expected = crypto.hash('sha256', content);
let directory: string;
let file: string;
let fd: number;

/** Long enough ago that any change will show. */
function settle(): void {
  while (Date.now() - fs.fstatSync(fd).ctimeMs < 50)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
}

beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-digests-'));
  file = path.join(directory, 'file');
  fs.writeFileSync(file, content);
  fd = fs.openSync(file, 'r');
  settle();
});

afterAll(() => {
  fs.closeSync(fd);
  fs.rmSync(directory, { recursive: true });
});

it('transfers of the same file share its digest, however they read it', () => {
  const digests = new Digests();
  const [one, other] = [digests.open(fd), digests.open(fd)];
  for (let at = 0; at < content.length; at += 1000) {
    one.add(at, content.subarray(at, at + 1000));
    const half = at / 2;
    if (half % 700 === 0) other.add(half, content.subarray(half, half + 700));
  }
  expect(one.finish()).toBe(expected);
  expect(other.finish()).toBe(expected);
  // Nobody reads it any more.
  expect(digests.open(fd).finish()).toBe(expected);
});

it('one that ends early leaves the rest to the next', () => {
  const digests = new Digests();
  digests.open(fd).add(0, content.subarray(0, 1500));
  const next = digests.open(fd);
  for (let at = 0; at < content.length; at += 1000) next.add(at, content.subarray(at, at + 1000));
  next.add(content.length, Buffer.alloc(0));
  expect(next.finish()).toBe(expected);
});

it('a file that was changed meanwhile has none, and another one afterwards', () => {
  const digests = new Digests();
  const before = digests.open(fd);
  before.add(0, content);
  const changed = Buffer.from(content);
  changed[0] = (changed[0] as number) ^ 1;
  fs.writeFileSync(file, changed);
  expect(before.finish()).toBeUndefined();
  const after = digests.open(fd);
  after.add(0, changed);
  expect(after.finish()).toBe(crypto.hash('sha256', changed));
});

it('a file that was changed just now shares none', () => {
  const digests = new Digests();
  fs.writeFileSync(file, content);
  vi.useFakeTimers({ toFake: ['Date'], now: fs.fstatSync(fd).ctimeMs });
  onTestFinished(() => void vi.useRealTimers());
  const [one, other] = [digests.open(fd), digests.open(fd)];
  one.add(0, content);
  other.add(0, Buffer.from('what was read a moment later'));
  expect(one.finish()).toBe(expected);
  expect(other.finish()).toBe(crypto.hash('sha256', 'what was read a moment later'));
});
