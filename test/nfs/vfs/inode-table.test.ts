import { expect, test } from 'vitest';
import { InodeTable } from '../../../src/nfs/vfs/inode-table.ts';

test.each([
  ['in a row', 1, 10],
  ['in steps of 32', 32, 128],
  ['in steps of 65,536', 65_536, 7],
  ['beyond 32 bits', 2 ** 32, 2 ** 33],
  ['in steps of an allocation group', 2 ** 25, 131],
])('keeps 200,000 numbers %s, soon', (_, step, first) => {
  const table = new InodeTable();
  const begin = performance.now();
  for (let index = 1; index <= 200_000; index += 1) table.set(first + index * step, index);
  for (let index = 1; index <= 200_000; index += 1) {
    if (table.get(first + index * step) !== index) throw new Error(`${index}`);
  }
  expect(table.size).toBe(200_000);
  expect(table.get(first)).toBeUndefined();
  expect(performance.now() - begin).toBeLessThan(2000);
});

test('a value can be changed, and taken away', () => {
  const table = new InodeTable();
  table.set(5, 1);
  table.set(5, 2);
  expect(table.get(5)).toBe(2);
  expect(table.size).toBe(1);
  table.unset(5);
  table.unset(6);
  expect(table.get(5)).toBe(0);
  expect(table.get(6)).toBeUndefined();
});

test('numbers that come and go take no memory', () => {
  const table = new InodeTable();
  table.set(1, 7);
  for (let number = 2; number < 100_000; number += 1) {
    table.set(number, 1);
    table.unset(number);
  }
  expect(table.size).toBeLessThan(1024);
  expect(table.get(1)).toBe(7);
  expect(table.get(99_999)).toBeFalsy();
});
