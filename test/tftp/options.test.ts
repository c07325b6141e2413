import { describe, expect, it } from 'vitest';
import { agree } from '../../src/tftp/options.ts';

const SIZE = 5_000_000_000;
const agreed = (options: Record<string, string>, size: number | undefined = SIZE) =>
  agree(new Map(Object.entries(options)), size);
const accepted = (name: string, value: string) => agreed({ [name]: value }).accepted;

it('nothing is agreed on without options', () => {
  expect(agreed({})).toEqual({ blksize: 512, windowsize: 1, timeoutMs: 1000, accepted: [] });
});

it('all options together', () => {
  expect(agreed({ windowsize: '4', tsize: '0', blksize: '1468', timeout: '3' })).toEqual({
    blksize: 1468,
    windowsize: 4,
    timeoutMs: 3000,
    accepted: [
      ['blksize', 1468],
      ['timeout', 3],
      ['tsize', SIZE],
      ['windowsize', 4],
    ],
  });
});

describe('what is not valid is left out', () => {
  it.each([
    ['blksize', '7'],
    ['blksize', '65465'],
    ['blksize', '-512'],
    ['blksize', '1e3'],
    ['blksize', ''],
    ['blksize', '99999999999999999999'],
    ['timeout', '0'],
    ['timeout', '256'],
    ['tsize', 'x'],
    ['windowsize', '0'],
    ['windowsize', '65536'],
    ['multicast', ''],
  ])('%s=%s', (name, value) => {
    expect(agreed({ [name]: value })).toEqual(agreed({}));
  });
});

it.each([
  ['blksize', '8', 8],
  ['blksize', '65464', 65464],
  ['timeout', '255', 255],
  ['tsize', '12345678901234', SIZE],
  ['windowsize', '64', 64],
])('%s=%s is accepted as %d', (name, value, answer) => {
  expect(accepted(name, value)).toEqual([[name, answer]]);
});

describe('a window', () => {
  it.each([
    ['512', '65535', 64],
    ['1468', '65535', 44],
    ['8192', '65535', 8],
    ['65464', '16', 1],
  ])('of blocks of %s is not as large as %s, but %d', (blksize, windowsize, blocks) => {
    expect(agreed({ blksize, windowsize }).windowsize).toBe(blocks);
  });
});

it('a size that is not known before, or that clients take for an error, is left out', () => {
  expect(agree(new Map([['tsize', '0']]), undefined).accepted).toEqual([]);
  expect(agree(new Map([['tsize', '0']]), 0).accepted).toEqual([]);
});
