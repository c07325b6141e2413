/** What the original leaves on a host, in a tree of files. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sudoFindings } from '../../../src/admin/import/sudo.ts';
import { unitFindings } from '../../../src/admin/import/units.ts';
import type { Said } from '../../../src/doctor/finding.ts';

let root: string;
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'import-'));
});
afterEach(() => fs.rmSync(root, { recursive: true }));

function write(file: string, text: string): string {
  const place = path.join(root, file);
  fs.mkdirSync(path.dirname(place), { recursive: true });
  fs.writeFileSync(place, text);
  return place;
}

const wrong = (findings: readonly Said[]) =>
  findings.filter(({ severity }) => severity !== 'ok').map(({ what }) => what);

describe('units', () => {
  it('are in order where there are none', () => {
    expect(unitFindings('b', root)).toMatchObject([{ severity: 'ok', subject: 'b' }]);
  });

  it('of the original that stand before ours are found, and no others', () => {
    const original = '[Service]\nExecStart=/usr/bin/novaboot-shell on\n';
    const found = [
      write('etc/systemd/system/novaboot-power@.service', original),
      write('usr/local/lib/systemd/user/novaboot-delayed-power-off.service', original),
    ];
    write('usr/lib/systemd/system/novaboot-power-off@.timer', original);
    const ours = `[Service]\nExecStart=${path.dirname(process.argv[1] ?? '')}/novaboot-shell on\n`;
    write('etc/systemd/system/novaboot-power-off@.service', ours);
    fs.symlinkSync('/dev/null', path.join(root, 'etc/systemd/system/novaboot-power-off@.timer'));
    expect(wrong(unitFindings('b', root))).toEqual(
      found.map((file) => `${file} stands before the unit of this installation`),
    );
  });

  it('of which a longer time has no effect are found', () => {
    const directory = 'etc/systemd/system/novaboot-power-off@b.timer.d';
    const file = write(`${directory}/override.conf`, '[Timer]\nOnActiveSec=30min\n');
    write(`${directory}/right.conf`, '[Timer]\nOnActiveSec=\nOnActiveSec=30min\n');
    write(`${directory}/other`, '[Timer]\nOnActiveSec=30min\n');
    write('etc/systemd/system/novaboot-power-off@c.timer.d/override.conf', '[Timer]\nOnActiveSec=30min\n');
    expect(wrong(unitFindings('b', root))).toEqual([
      `${file} sets OnActiveSec=30min without taking back the 10 minutes of the unit`,
    ]);
  });
});

describe('rules of sudo', () => {
  it('for another power helper are found, and no others', () => {
    const original = '# sudoers file\n%novaboot ALL = NOPASSWD: /usr/local/sbin/novaboot-power\n';
    const file = write('etc/sudoers.d/novaboot', original);
    write('etc/sudoers.d/novaboot.disabled', original);
    write('etc/sudoers.d/commented', '# %novaboot ALL = NOPASSWD: /usr/local/sbin/novaboot-power\n');
    write('etc/sudoers', 'root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n');
    expect(wrong(sudoFindings(root))).toEqual([
      `${file} lets boards run /usr/local/sbin/novaboot-power, which is not of this installation`,
    ]);
  });

  it('may be none', () => {
    expect(sudoFindings(root)).toMatchObject([{ severity: 'ok' }]);
  });
});
