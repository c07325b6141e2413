/** As an account that is refused what root never is. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from './fixture.ts';

const ACCOUNT = process.getuid?.() === 0 ? 65_534 : (process.getuid?.() ?? 0);
let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'hand-made-'));
  if (process.getuid?.() === 0) fs.chownSync(directory, ACCOUNT, ACCOUNT);
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

test('files and directories without permission for their owner stay usable and keep their mode', () => {
  const child = new URL('./hand-made-child.ts', import.meta.url).pathname;
  const results = JSON.parse(run(process.execPath, child, String(ACCOUNT), directory)) as Record<
    string,
    string
  >;
  const failed = Object.entries(results).filter(([step, result]) => {
    const [name = '', what = ''] = step.split(' ');
    const mode = name.slice(1).replace(/^0+$/, '0');
    return ['before', 'after', 'later', 'chowned'].includes(what) ? result !== mode : result !== 'ok';
  });
  expect(failed).toEqual([]);
  expect(Object.keys(results).length).toBeGreaterThan(100);
});
