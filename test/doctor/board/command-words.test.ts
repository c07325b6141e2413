import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { missingDevices, missingProgram } from '../../../src/doctor/board/command-words.ts';

let home = '';
const searched = '/usr/bin:/bin';

beforeAll(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'words-'));
  fs.writeFileSync(path.join(home, 'reset.sh'), '#!/bin/sh\n', { mode: 0o755 });
  fs.writeFileSync(path.join(home, 'notes'), '', { mode: 0o644 });
});
afterAll(() => fs.rmSync(home, { recursive: true }));

const text = 'relay() {\n  true\n}\nfunction other {\n :\n}\n  indented () { :; }\n';

it.each([
  'true',
  'exec cat /dev/null',
  '. ./lib; do_it',
  'relay on',
  'indented',
  'A=1 B=2 exec env -i cat',
  './reset.sh 1',
  'reset.sh() { :; }',
  '"$HOME/bin/thing" --on',
  '$TOOL on',
  '(cd /tmp && nothing)',
  'if true; then nothing; fi',
  'sudo -n cat',
  '',
])('finds nothing missing in %s', (command) => {
  expect(missingProgram(command, { text, home, searched })).toBeUndefined();
});

it.each([
  ['no-such-program -s 115200 /dev/ttyUSB0', 'no-such-program'],
  ['exec no-such-program', 'no-such-program'],
  ['X=1 no-such-program', 'no-such-program'],
  ['/no/such/program', '/no/such/program'],
  ['./absent.sh', './absent.sh'],
  ['./notes', './notes'],
  ['run_novaboot script', 'novaboot'],
  ['relays on', 'relays'],
])('finds what %s lacks', (command, program) => {
  expect(missingProgram(command, { text, home, searched })).toBe(program);
});

it('finds devices that are absent', () => {
  expect(
    missingDevices('sterm -s 115200 /dev/no-such-tty; cat /dev/null /home/dev/x >/dev/no-such-tty'),
  ).toEqual(['/dev/no-such-tty']);
  expect(missingDevices('picocom "/dev/serial/by-id/usb-x-if00"')).toEqual(['/dev/serial/by-id/usb-x-if00']);
});
