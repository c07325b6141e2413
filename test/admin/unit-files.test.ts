/** What administrators have written about the units of one board. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { unitFiles } from '../../src/admin/unit-files.ts';

const ACCOUNT = { name: 'b1', uid: 1003 };

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'units-'));
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

it('is found by the name of the board, and no other board’s', () => {
  for (const name of [
    'novaboot-power-off@b1.timer.d',
    'novaboot-power-off@b1.timer.d.old',
    'timers.target.wants',
  ])
    fs.mkdirSync(path.join(directory, name));
  for (const name of [
    'novaboot-power-off@b1.timer.d/override.conf',
    'novaboot-power@b1.service',
    'novaboot-sessions@1003.path',
    'novaboot-sessions@1004.path',
    'novaboot-sessions@b1.path',
    'novaboot-power@1003.service',
    'novaboot-power@b11.service',
    'novaboot-power@x@b1.service',
    'novaboot-power@.service',
    'other@b1.service',
    'timers.target.wants/novaboot-power-off@b1.timer',
    'timers.target.wants/novaboot-power-off@b2.timer',
  ])
    fs.writeFileSync(path.join(directory, name), '');
  expect(unitFiles(ACCOUNT, directory).toSorted()).toEqual(
    [
      'novaboot-power-off@b1.timer.d',
      'novaboot-power@b1.service',
      'novaboot-sessions@1003.path',
      'timers.target.wants/novaboot-power-off@b1.timer',
    ].map((name) => path.join(directory, name)),
  );
  expect(unitFiles(ACCOUNT, path.join(directory, 'absent'))).toEqual([]);
});
