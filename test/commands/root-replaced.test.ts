/** Roots that gave way: which of them a command removes. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { removeUnused } from '../../src/commands/root/replaced.ts';
import { identityAt } from '../../src/rootfs/identity.ts';
import { writeMounts } from '../../src/rootfs/mounts.ts';
import { beginTree } from '../../src/rootfs/new-tree.ts';
import { UNLIMITED } from '../../src/rootfs/quota.ts';
import { replacedRoots } from '../../src/rootfs/replaced.ts';
import { type Roots, rootsOf } from '../../src/rootfs/roots.ts';
import type { NfsPlace } from '../../src/shell/nfs-place.ts';

const DAY_MS = 24 * 3600_000;

let top: string;
let roots: Roots;

beforeEach(() => {
  top = fs.mkdtempSync(path.join(os.tmpdir(), 'root-replaced-'));
  roots = rootsOf(path.join(top, 'bob'));
  fs.mkdirSync(roots.live, { recursive: true });
  for (let time = 0; time < 2; time += 1) beginTree(roots).switchIn();
});
afterEach(() => {
  vi.restoreAllMocks();
  fs.rmSync(top, { recursive: true });
});

/** @returns the numbers of those that stay */
function remaining(serverPid: number | undefined): number[] {
  const mountsFile = path.join(top, 'bob.mounts');
  const root = identityAt(path.join(roots.replaced, '2')) ?? '';
  writeMounts(mountsFile, { '10.0.0.1': [{ root, at: new Date().toISOString(), mounts: 1 }] });
  const later = Date.now() + 8 * DAY_MS;
  vi.spyOn(Date, 'now').mockReturnValue(later);
  const ledger = { roots, limits: UNLIMITED, file: path.join(top, 'bob.usage'), serverPid: () => serverPid };
  removeUnused(ledger, { mountsFile } as NfsPlace);
  return replacedRoots(roots).map(({ number }) => number);
}

test('with a server, that no client uses, whatever the clock says', () => {
  expect(remaining(4711)).toEqual([2]);
});

test('without one, also that no client asked for in a week', () => {
  expect(remaining(undefined)).toEqual([]);
});
