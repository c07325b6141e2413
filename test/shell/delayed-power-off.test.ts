import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isPowerOffDelayed } from '../../src/shell/delayed-power-off.ts';

const UNIT = 'novaboot-delayed-power-off.service';
let home: string;
let units: string;

beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-'));
  units = path.join(home, '.config/systemd/user');
});
afterEach(() => fs.rmSync(home, { recursive: true, force: true }));

/** As `systemctl --user enable` makes it. */
function enable(directory: string, target: string): void {
  fs.mkdirSync(path.join(units, directory), { recursive: true });
  fs.symlinkSync(target, path.join(units, directory, UNIT));
}

test('an account without units has it not', () => {
  expect(isPowerOffDelayed(home)).toBe(false);
  expect(isPowerOffDelayed(path.join(home, 'missing'))).toBe(false);
});

test('the unit counts where something wants it, not because it is there', () => {
  fs.mkdirSync(units, { recursive: true });
  const unit = path.join(units, UNIT);
  fs.writeFileSync(unit, '[Service]\n');
  expect(isPowerOffDelayed(home)).toBe(false);
  enable('sockets.target.wants', unit);
  expect(isPowerOffDelayed(home)).toBe(true);
});

test('a link that outlives the unit counts no more', () => {
  enable('default.target.wants', path.join(home, 'gone'));
  expect(isPowerOffDelayed(home)).toBe(false);
});
