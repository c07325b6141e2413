import fs from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Descriptors } from '../../../src/nfs/vfs/descriptors.ts';
import { Inode } from '../../../src/nfs/vfs/inode.ts';
import { openDescriptors } from './fixture.ts';

let descriptors: Descriptors;
let before: string[];
beforeEach(() => {
  before = openDescriptors();
  descriptors = new Descriptors();
});
afterEach(() => {
  descriptors.closeAll();
  expect(openDescriptors()).toEqual(before);
});

function open(number: number): Inode {
  const inode = new Inode(number, false, undefined, '');
  descriptors.add(inode, fs.openSync('/dev/null', 'r'), false);
  return inode;
}

test('a bounded number stays open: those used last', () => {
  const inodes = Array.from({ length: 17_000 }, (_, index) => {
    const inode = open(index);
    return inode;
  });
  const left = inodes.filter(({ descriptor }) => descriptor !== undefined);
  expect(left.length).toBeGreaterThan(500);
  expect(openDescriptors().length - before.length).toBe(left.length);
  expect(left.length).toBeLessThan(16_500);
  expect(inodes[0]?.descriptor).toBeUndefined();
  expect(left).toEqual(inodes.slice(-left.length));
});

test('one that is waited for stays open until then', async () => {
  const inode = open(1);
  const { descriptor } = inode;
  if (descriptor === undefined) throw new Error('not open');
  let end = () => {};
  const work = descriptors.pinned(inode, descriptor, async (fd) => {
    await new Promise<void>((resolve) => {
      end = resolve;
    });
    return fs.fstatSync(fd).isCharacterDevice();
  });
  descriptors.close(inode);
  expect(openDescriptors().length).toBe(before.length + 1);
  end();
  expect(await work).toBe(true);
  expect(openDescriptors()).toEqual(before);
});

test('a new one takes the place of the old one', () => {
  const inode = open(1);
  descriptors.add(inode, fs.openSync('/dev/null', 'r+'), true);
  expect(inode.descriptor?.writable).toBe(true);
  expect(openDescriptors().length).toBe(before.length + 1);
});
