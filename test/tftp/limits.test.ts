import { expect, it } from 'vitest';
import { RequestLimit } from '../../src/tftp/limits.ts';

function allowed(limit: RequestLimit, address: string, requests: number, now: number): number {
  return Array.from({ length: requests }, () => limit.allows(address, now)).filter(Boolean).length;
}

it('one client may ask for many files at once, and for some each second', () => {
  const limit = new RequestLimit(0);
  expect(allowed(limit, '192.0.2.1', 1000, 0)).toBe(400);
  expect(allowed(limit, '192.0.2.1', 1000, 1000)).toBe(100);
  expect(allowed(limit, '192.0.2.2', 1, 1000)).toBe(1);
});

it('all together have a limit, too', () => {
  const limit = new RequestLimit(0);
  const all = Array.from({ length: 11_000 }, (_, index) => allowed(limit, `192.0.2.${index}`, 1, 0));
  expect(all.filter((count) => count === 1)).toHaveLength(10_000);
});

it('clients that were not seen for long are forgotten first', () => {
  const limit = new RequestLimit(0);
  expect(allowed(limit, 'busy', 400, 0)).toBe(400);
  for (let index = 0; index < 5000; index += 1) {
    const now = index;
    limit.allows(`other ${index}`, now);
    // What it may have again since the last look, and nothing more.
    if (index % 1000 === 0 && index > 0) expect(allowed(limit, 'busy', 1000, now)).toBe(100);
  }
});
