import { expect, test } from 'vitest';
import { progressLine } from '../../../src/commands/untar/progress.ts';

const SUM = { read: 50e6, total: 200e6, files: 1234, bytes: 100e6 };

test.each([
  [SUM, 1000, '25 %: 100.0 MB, 1234 files, 100.0 MB/s'],
  [SUM, 10_000, '25 %: 100.0 MB, 1234 files, 10.0 MB/s, 30 s left'],
  [{ ...SUM, read: 200e6 }, 10_000, '100 %: 100.0 MB, 1234 files, 10.0 MB/s, 0 s left'],
  [{ ...SUM, read: 210e6 }, 10_000, '100 %: 100.0 MB, 1234 files, 10.0 MB/s, 0 s left'],
  [{ ...SUM, total: undefined }, 10_000, '100.0 MB, 1234 files, 10.0 MB/s'],
  [{ ...SUM, total: 0 }, 0, '100.0 MB, 1234 files, 100.0 GB/s'],
])('%j after %i ms', (sum, ms, line) => {
  expect(progressLine(sum, ms)).toBe(line);
});
