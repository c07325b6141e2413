/** The VFS against the kernel's own rules, by random operations of several users. */
import { expect, test } from 'vitest';
import { run, SUDO } from './fixture.ts';

const CHILD = new URL('./model-child.ts', import.meta.url).pathname;

test.each([1, 2, 3])('random operations end as on the real file system (%i)', (seed) => {
  const [file = '', ...args] = [...SUDO, process.execPath, CHILD, String(seed), '5000'];
  expect(run(file, ...args)).toBe('');
});
