/** The administrator's text in `power` and `console` reaches our programs as it is, and is never evaluated. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Session } from '../../src/shell/command.ts';
import { type ConfiguredName, configuredProgram } from '../../src/shell/configured-command.ts';

const DRIVER = '#!/bin/sh\ncat >"$HOME/$1"\n';
const CONSOLE = `#!/bin/sh
printf '%s\\0' "$1" "$2" >"$HOME/console"
[ "$1" = plain-line ] || { shift 2; exec "$@"; }
`;
const NOVABOOT = `#!/bin/sh
for word; do
  case $word in
    --reset-cmd=* | --remote-cmd=*) /bin/sh -c "\${word#*=}" ;;
  esac
done
`;

let home: string;
const [, ownProgram = ''] = process.argv;

beforeAll(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-script-'));
  const programs = { 'novaboot-driver': DRIVER, 'novaboot-console': CONSOLE, novaboot: NOVABOOT };
  for (const [name, text] of Object.entries(programs)) {
    fs.writeFileSync(path.join(home, name), text, { mode: 0o755 });
  }
  process.argv[1] = path.join(home, 'novaboot-shell.js');
});
beforeEach(() => {
  for (const name of ['on', 'reset', 'console']) fs.rmSync(path.join(home, name), { force: true });
});
afterAll(() => {
  process.argv[1] = ownProgram;
  fs.rmSync(home, { recursive: true });
});

/** What a shell would do something with, and what may look like the end of our here-document. */
const piece = fc.oneof(
  fc.constantFrom(
    ...['"', "'", '`', '$', '\\', '\n', ' ', '\t', '*', '~', '!', '#', ';', '&', '|', '<', '(', '{'],
  ),
  fc.constantFrom(
    '$(touch canary)',
    '`touch canary`',
    '"; touch canary; "',
    "'; touch canary; '",
    '$HOME',
    '$1',
  ),
  fc.constantFrom(
    '\nNB_POWER\n',
    'serial:/dev/x',
    '-e',
    '--',
    '%s',
    '\\c',
    'usbrelay:LY03X_1',
    'ä',
    '\x1b[2J',
  ),
  fc.string({ unit: 'binary', maxLength: 8 }).map((text) => text.replaceAll('\0', '')),
);
const value = fc
  .array(piece, { minLength: 1, maxLength: 6 })
  .map((pieces) => pieces.join(''))
  .filter(Boolean);

function run(config: string, name: ConfiguredName) {
  const configPath = path.join(home, '.novaboot-shell');
  fs.writeFileSync(configPath, config);
  const env = { PATH: `${home}:/usr/bin:/bin`, HOME: home };
  const { file, args } = configuredProgram(name, { home, configPath, env } as unknown as Session);
  return spawnSync(file, args.slice(1), { env, cwd: home, encoding: 'utf8', timeout: 15_000 });
}

const inQuotes = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
const read = (name: string) => fs.readFileSync(path.join(home, name), 'utf8');

test('by on, by a console, and by the novaboot client', () => {
  fc.assert(
    fc.property(value, value, (text, console) => {
      const power = `x:${text}`;
      const config = `power=${inQuotes(power)}\nconsole=${inQuotes(console)}\ndefault_cmd='run_novaboot x'\n`;
      expect(run(config, 'on')).toMatchObject({ status: 0, stderr: '' });
      expect(read('on')).toBe(`${power}\n`);
      fs.rmSync(path.join(home, 'on'));
      expect(run(config, 'console')).toMatchObject({ status: 0, stderr: '' });
      expect(read('console')).toBe(`line\0${console}\0`);
      expect(read('on')).toBe(`${power}\n`);
      expect(run(config, 'default')).toMatchObject({ status: 0, stderr: '' });
      expect(read('console')).toBe(`plain-line\0${console}\0`);
      expect(read('reset')).toBe(`${power}\n`);
      expect(fs.existsSync(path.join(home, 'canary'))).toBe(false);
    }),
    { numRuns: 20 },
  );
});
