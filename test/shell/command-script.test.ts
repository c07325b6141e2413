/** COMMAND_SCRIPT in the sh of this machine, with stand-ins for the programs that it runs. */
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import type { Session } from '../../src/shell/command.ts';
import { type ConfiguredName, configuredProgram } from '../../src/shell/configured-command.ts';
import { openJournal } from '../../src/shell/journal.ts';
import { readPowerRecords, readPowerState } from '../../src/shell/power-state.ts';
import { eventually } from '../support/ssh-session.ts';

/** Notes down its arguments, a line each in brackets, and its input; ends with the status in its file. */
const NOTE = `{
  printf '%s:' "\${0##*/}"; for word; do printf ' <%s>' "$word"; done
`;
const DRIVER = `#!/bin/sh
${NOTE}  printf ' input <%s>\\n' "$(cat)"; } >>"$HOME/log"
[ "$1" != state ] || echo on
exit "$(cat "$HOME/status" 2>/dev/null || echo 0)"
`;
const CONSOLE = `#!/bin/sh
form=$1 spec=$2
shift
{ printf 'console: <%s>' "$form"; } >>"$HOME/log"
case $form in
  line) shift; echo 'novaboot-shell: Connected' ;;
  plain-line) shift ;;
  command) spec=none ;;
esac
printf ' <%s> %s\\n' "$spec" "\${6-}" >>"$HOME/log"
[ $# = 0 ] || exec "$@"
`;
const SUDO = `#!/bin/sh
${NOTE}  echo; } >>"$HOME/log"
cat "$HOME/said" >&2 2>/dev/null
exit "$(cat "$HOME/status" 2>/dev/null || echo 0)"
`;
const NOVABOOT = `#!/bin/sh
echo "novaboot $1"
for word; do
  case $word in
    --reset-cmd=*) reset=\${word#*=} ;;
    --remote-cmd=*) remote=\${word#*=} ;;
  esac
done
printf '%s\\n' "<$reset>" "<$remote>" >"$HOME/novaboot"
/bin/sh -c "$reset"
/bin/sh -c "$remote"
`;

let home: string;
const [, ownProgram = ''] = process.argv;

beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), "novaboot-script 'a  b'-"));
  const programs = { 'novaboot-driver': DRIVER, 'novaboot-console': CONSOLE, sudo: SUDO, novaboot: NOVABOOT };
  for (const [name, text] of Object.entries(programs)) write(name, text, 0o755);
  // Our programs are looked for beside the one that runs.
  process.argv[1] = path.join(home, 'novaboot-shell.js');
});
afterEach(() => {
  process.argv[1] = ownProgram;
  fs.rmSync(home, { recursive: true });
});

function write(name: string, text: string, mode = 0o600): void {
  fs.writeFileSync(path.join(home, name), text, { mode });
}

function read(name: string): string {
  return fs.readFileSync(path.join(home, name), { encoding: 'utf8', flag: 'a+' });
}

interface Options {
  readonly user?: string | undefined;
  /** The unit of the delayed power-off is enabled. */
  readonly isDelayed?: boolean;
  readonly direct?: boolean;
  readonly input?: string;
}

function enableDelayedPowerOff(): void {
  const wants = path.join(home, '.config/systemd/user/default.target.wants');
  fs.mkdirSync(wants, { recursive: true });
  fs.writeFileSync(path.join(wants, 'novaboot-delayed-power-off.service'), '');
}

/** What runs a command with this configuration. */
function prepare(config: string, name: ConfiguredName | 'state', options: Options = {}) {
  const { user, isDelayed = false, direct = false } = { user: 'alice', ...options };
  if (isDelayed) enableDelayedPowerOff();
  write('.novaboot-shell', config);
  const env = { PATH: `${home}:/usr/bin:/bin`, HOME: home, ...(user === undefined ? {} : { NB_USER: user }) };
  const session = { home, configPath: path.join(home, '.novaboot-shell'), user, env } as unknown as Session;
  openJournal(home);
  const { file, args } = configuredProgram(name, session, { direct });
  return { file, args, options: { env, cwd: home } };
}

function run(config: string, name: ConfiguredName | 'state', options: Options = {}) {
  const { file, args, options: where } = prepare(config, name, options);
  const result = spawnSync(file, args.slice(1), {
    ...where,
    input: options.input ?? '',
    encoding: 'utf8',
    timeout: 15_000,
  });
  return { stdout: result.stdout, stderr: result.stderr, status: result.status };
}

const ok = (stdout = '') => ({ stdout, stderr: '', status: 0 });
const records = () => readPowerRecords(home).map(({ user, action, status }) => `${user} ${action} ${status}`);

describe('what switches', () => {
  test.each(['on', 'off', 'reset'] as const)('%s_cmd comes before power', (name) => {
    expect(run(`${name}_cmd='echo own'\npower=usbrelay:X`, name)).toEqual(ok('own\n'));
    expect(read('log')).toBe('');
  });

  test.each([
    ['on', ''],
    ['off', ''],
    ['reset', ' <2>'],
  ] as const)('power is for %s, without a command', (name, delay) => {
    expect(run('power=usbrelay:X', name)).toEqual(ok());
    expect(read('log')).toBe(`novaboot-driver: <${name}>${delay} input <usbrelay:X>\n`);
    expect(records()).toEqual([`alice ${name} null`, `alice ${name} 0`]);
  });

  it.each(['0', '0.5', '10', '600'])('passes reset_delay=%s on', (delay) => {
    expect(run(`power=x:\nreset_delay=${delay}`, 'reset')).toEqual(ok());
    expect(read('log')).toBe(`novaboot-driver: <reset> <${delay}> input <x:>\n`);
  });

  it.each(['.', '.5', '3.', '1s', '-1', '1.2.3', '601', '9'.repeat(30), '$(touch x)', '1 2', '１'])(
    'refuses reset_delay=%s',
    (delay) => {
      for (const switches of ['power=x:', 'on_cmd="echo on"\noff_cmd="echo off"']) {
        const result = run(`${switches}\nreset_delay='${delay}'`, 'reset');
        expect(result).toMatchObject({ stdout: '', status: 78 });
        expect(result.stderr).toMatch(
          /^novaboot-shell: reset_delay must be a number of seconds up to 600 in [^\n]+\n$/,
        );
      }
      expect(read('log')).toBe('');
      expect(records()).toEqual([]);
      // It is nobody's business where the configuration resets in its own way.
      expect(run(`reset_cmd='echo own'\nreset_delay='${delay}'`, 'reset')).toEqual(ok('own\n'));
    },
  );

  test.each(['on', 'off', 'reset'] as const)(
    '%s without either is an error, and nothing is noted',
    (name) => {
      const other = name === 'on' ? 'off' : 'on';
      const { status, stderr } = run(`${other}_cmd=true\nconsole=serial:/dev/null`, name);
      expect({ status, stderr }).toEqual({
        status: 69,
        stderr: `novaboot-shell: ${name}_cmd is not set in ${home}/.novaboot-shell\n`,
      });
      expect(records()).toEqual([]);
    },
  );

  it('says nothing of its own when a driver fails', () => {
    write('status', '1');
    expect(run('power=x:', 'on')).toEqual({ ...ok(), status: 1 });
    expect(records()).toEqual(['alice on null', 'alice on 1']);
    expect(readPowerState(home)).toMatchObject({ state: 'unknown', user: 'alice' });
  });
});

describe('a reset of off_cmd and on_cmd', () => {
  const both = (off: string, on: string) => `off_cmd='${off}'\non_cmd='${on}'\nreset_delay=0`;

  test('is one switching', () => {
    expect(run(both('echo off', 'echo on'), 'reset')).toEqual(ok('off\non\n'));
    expect(records()).toEqual(['alice reset null', 'alice reset 0']);
    expect(readPowerState(home).state).toBe('on');
  });

  test('comes after reset_cmd and power', () => {
    expect(run(`${both('echo off', 'echo on')}\nreset_cmd='echo own'`, 'reset')).toEqual(ok('own\n'));
    expect(run(`${both('echo off', 'echo on')}\npower=x:`, 'reset')).toEqual(ok());
    expect(read('log')).toMatch(/<reset>/);
  });

  test('goes no further when off_cmd fails', () => {
    expect(run(both('false; echo off', 'echo on'), 'reset')).toEqual({ ...ok(), status: 1 });
    expect(records()).toEqual(['alice reset null', 'alice reset 1']);
  });

  test('says that the board is off when on_cmd fails', () => {
    expect(run(both('echo off', 'exit 3'), 'reset')).toEqual({
      stdout: 'off\n',
      stderr: 'novaboot-shell: The board is off, because on_cmd failed after off_cmd; try: on\n',
      status: 3,
    });
    expect(readPowerState(home).state).toBe('unknown');
  });

  test('goes on behind an off_cmd that says exec or exit', () => {
    for (const off of ['exec echo off', 'echo off; exit 0']) {
      expect(run(both(off, 'echo on'), 'reset')).toEqual(ok('off\non\n'));
    }
  });

  test.each(['TERM', 'HUP', 'INT', 'KILL'] as const)(
    'switches on at once when it is ended by %s',
    async (name) => {
      const program = prepare('off_cmd="echo off >>log"\non_cmd="echo on >>log"\nreset_delay=600', 'reset');
      const child = spawn(program.file, program.args.slice(1), {
        ...program.options,
        stdio: 'ignore',
        detached: true,
      });
      await eventually('off', () => read('log') === 'off\n');
      // The kernel tells what the first sh has started when that is killed alone.
      process.kill((name === 'KILL' ? 1 : -1) * (child.pid ?? 0), `SIG${name}`);
      await eventually('on', () => read('log') === 'off\non\n');
      expect(records()[0]).toBe('alice reset null');
      expect(readPowerState(home).state).toBe('unknown');
    },
  );

  test.each(['off_cmd=true', 'on_cmd=true'])('needs both: %s', (config) => {
    expect(run(config, 'reset').status).toBe(69);
  });
});

describe('own commands', () => {
  test.each([
    ['exec', 'exec echo done', 'done\n', 0],
    ['exec of what fails', 'exec sh -c "exit 7"', '', 7],
    ['exit', 'echo done; exit 4; echo more', 'done\n', 4],
    ['a function', 'board', 'board\n', 0],
    ['a pipeline', 'echo one two | wc -w', '2\n', 0],
    ['a background job', 'sleep 0 & wait $!; echo done', 'done\n', 0],
    ['a trap', 'trap "echo trapped" EXIT; echo done', 'done\ntrapped\n', 0],
    ['a trap that decides', 'trap "exit 0" EXIT; false', '', 0],
    ['set -e', 'false; echo more', '', 1],
    ['no arguments', 'echo "$#"', '0\n', 0],
    ['input', 'cat', 'typed', 0],
    ['a return', 'return 5', '', 5],
    ['a signal', 'kill -TERM "$(sh -c "echo \\$PPID")"', '', 143],
  ])('%s', (_, command, stdout, status) => {
    const config = `board() { echo board; }\nreset_cmd=${quoted(command)}`;
    expect(run(config, 'reset', { input: 'typed' })).toMatchObject({ stdout, status });
    expect(records()).toEqual(['alice reset null', `alice reset ${status}`]);
  });

  test('run on behind errors where the configuration says set +e', () => {
    expect(run('set +e\nreset_cmd="false; echo more"', 'reset')).toEqual(ok('more\n'));
  });

  test('of a key without a name, and of a unit, are noted down without one', () => {
    expect(run('off_cmd=true', 'off', { user: undefined })).toEqual(ok());
    expect(records()).toEqual(['null off null', 'null off 0']);
    expect(readPowerState(home)).toMatchObject({ state: 'off', user: null });
  });

  test('run where nothing can be noted down', () => {
    fs.writeFileSync(path.join(home, '.local'), 'a file');
    expect(run('on_cmd="echo on"', 'on')).toEqual(ok('on\n'));
    expect(readPowerState(home)).toEqual({ state: 'unknown', since: null, user: null });
  });

  test('get no variables from us', () => {
    expect(run('reset_cmd=env', 'reset').stdout).not.toMatch(/^nb_/m);
  });
});

describe('console', () => {
  const CONNECTED = 'novaboot-shell: Connected\n';

  test.each(['console', 'default'] as const)('%s: power comes first, then console_cmd', (name) => {
    expect(run('console_cmd="cat log"\npower=x:', name)).toEqual(
      ok(`${CONNECTED}novaboot-driver: <on> input <x:>\n`),
    );
    expect(records()).toEqual(['alice on null', 'alice on 0']);
  });

  test('on_cmd comes before power, and is noted down', () => {
    expect(run('on_cmd="echo on; port=7"\npower=x:\nconsole_cmd="echo $port \\$port"', 'console')).toEqual(
      ok(`${CONNECTED}on\n7\n`),
    );
    expect(read('log')).toBe('');
    expect(records()).toEqual(['alice on null', 'alice on 0']);
  });

  test('a failing on_cmd is said, and nothing is connected', () => {
    expect(run('on_cmd="exit 3"\nconsole_cmd="echo console"', 'console')).toEqual({
      stdout: CONNECTED,
      stderr: 'novaboot-shell: on_cmd failed\n',
      status: 3,
    });
    expect(records()).toEqual(['alice on null', 'alice on 3']);
  });

  test('a failing driver ends it', () => {
    write('status', '5');
    expect(run('power=x:\nconsole_cmd="echo console"', 'console')).toEqual({ ...ok(CONNECTED), status: 5 });
  });

  test("a power that names no driver is the configuration's own", () => {
    expect(run('power=7\nconsole_cmd="echo $power"', 'console')).toEqual(ok(`${CONNECTED}7\n`));
    expect(run('power=7\nconsole=y:', 'console')).toEqual(ok(CONNECTED));
    expect(read('log')).toBe('console: <line> <y:> \n');
    expect(run('power=7', 'on')).toEqual(ok());
    expect(read('log')).toMatch(/<on> input <7>/);
  });

  test('without power it notes nothing', () => {
    expect(run('console_cmd="echo console"', 'console')).toEqual(ok(`${CONNECTED}console\n`));
    expect(records()).toEqual([]);
  });

  test.each(['console', 'default'] as const)('%s: console is opened first, then the power', (name) => {
    expect(run('console=serial:/dev/x\npower=x:', name)).toEqual(ok(CONNECTED));
    expect(read('log')).toBe('console: <line> <serial:/dev/x> again-on\nnovaboot-driver: <on> input <x:>\n');
    expect(records()).toEqual(['alice on null', 'alice on 0']);
  });

  test('console with on_cmd', () => {
    expect(run('console=tcp:h:1\non_cmd="echo on"', 'console')).toEqual(ok(`${CONNECTED}on\n`));
    expect(run('console=tcp:h:1\non_cmd=false', 'console')).toEqual({
      stdout: CONNECTED,
      stderr: 'novaboot-shell: on_cmd failed\n',
      status: 1,
    });
  });

  test('console without power', () => {
    expect(run('console=tcp:h:1', 'console')).toEqual(ok(CONNECTED));
    expect(read('log')).toBe('console: <line> <tcp:h:1> \n');
  });

  test('console_cmd comes before console', () => {
    expect(run('console=tcp:h:1\nconsole_cmd="echo own"', 'console')).toEqual(ok(`${CONNECTED}own\n`));
    expect(read('log')).toBe('');
  });

  test('default_cmd comes before both', () => {
    const config = 'console=tcp:h:1\nconsole_log=yes\ndefault_cmd="echo own"\npower=x:';
    expect(run(config, 'default')).toEqual(ok(`${CONNECTED}own\n`));
    expect(read('log')).toBe('novaboot-driver: <on> input <x:>\n');
  });

  test('neither is an error', () => {
    expect(run('power=x:', 'console')).toEqual({
      stdout: '',
      stderr: `novaboot-shell: console_cmd is not set in ${home}/.novaboot-shell\n`,
      status: 69,
    });
    expect(read('log')).toBe('');
  });

  test.each(['console', 'default'] as const)('%s: console_log=yes runs the same behind the relay', (name) => {
    const config = 'echo read\nboard() { echo board; }\nconsole_log=yes\non_cmd="echo on"\nconsole_cmd=board';
    expect(run(config, name)).toEqual(ok(`read\n${CONNECTED}on\nboard\n`));
    expect(read('log')).toBe('console: <command> <none> again-console\n');
    expect(records()).toEqual(['alice on null', 'alice on 0']);
  });

  test.each(['no', '', '/var/log/console', 'YES'])('console_log=%s does not', (value) => {
    expect(run(`console_log=${value}\nconsole_cmd="echo own"`, 'console')).toEqual(ok(`${CONNECTED}own\n`));
    expect(read('log')).toBe('');
  });
});

describe('run_novaboot', () => {
  const boot = (config: string) => run(`${config}\ndefault_cmd='run_novaboot script'`, 'default');

  test('gives the own commands as they are', () => {
    expect(
      boot(`reset_cmd='echo "the  reset"'\nconsole_cmd='echo "the  console"'\npower=x:\nconsole=y:`),
    ).toEqual(ok('novaboot-shell: Connected\nnovaboot script\nthe  reset\nthe  console\n'));
    expect(read('novaboot')).toBe('<echo "the  reset">\n<echo "the  console">\n');
  });

  test('gives what runs the drivers, and notes the reset down', () => {
    expect(boot('echo read\npower="x: y"\nconsole="serial:/dev/a b"')).toEqual(
      ok('read\nnovaboot-shell: Connected\nnovaboot script\n'),
    );
    expect(read('log')).toBe(
      'novaboot-driver: <on> input <x: y>\nnovaboot-driver: <reset> <2> input <x: y>\nconsole: <plain-line> <serial:/dev/a b> \n',
    );
    expect(records()).toEqual(['alice on null', 'alice on 0', 'alice reset null', 'alice reset 0']);
  });

  test('resets by off_cmd and on_cmd', () => {
    expect(boot('off_cmd="echo off"\non_cmd="echo on"\nreset_delay=0').stdout).toBe(
      'novaboot-shell: Connected\non\nnovaboot script\noff\non\n',
    );
  });

  test('logs console_cmd', () => {
    expect(boot(`console_log=yes\nconsole_cmd='echo "the  console"'`)).toEqual(
      ok('novaboot-shell: Connected\nnovaboot script\nthe  console\n'),
    );
    expect(read('log')).toMatch(/^console: <command> <none>/);
  });
});

describe('switching through systemd', () => {
  const isDelayed = true;

  test.each(['on', 'off'] as const)('%s is for the program that systemd knows', (name) => {
    for (const config of [`${name}_cmd='echo own'`, 'power=x:']) {
      write('log', '');
      expect(run(config, name, { isDelayed })).toEqual(ok());
      expect(read('log')).toBe(`sudo: <-n> <${home}/novaboot-power> <${name}>\n`);
    }
    expect(records()).toHaveLength(4);
  });

  test('so is the power of a console, which reads its input itself', () => {
    const result = run('on_cmd="echo own"\nconsole_cmd=cat', 'console', { isDelayed, input: 'typed' });
    expect(result).toEqual(ok('novaboot-shell: Connected\ntyped'));
    expect(run('power=x:\nconsole=y:', 'console', { isDelayed })).toEqual(ok('novaboot-shell: Connected\n'));
    expect(read('log')).toBe(
      `sudo: <-n> <${home}/novaboot-power> <on>\nconsole: <line> <y:> again-on\nsudo: <-n> <${home}/novaboot-power> <on>\n`,
    );
  });

  test('reset is not', () => {
    expect(run('power=x:', 'reset', { isDelayed })).toEqual(ok());
    expect(read('log')).toBe('novaboot-driver: <reset> <2> input <x:>\n');
  });

  test('is not asked for what is not configured', () => {
    expect(run('on_cmd=true', 'off', { isDelayed }).status).toBe(69);
    expect(read('log')).toBe('');
  });

  test.each([
    ['novaboot-shell: The board is in use; wait', 'novaboot-shell: The board is in use; wait'],
    [
      'sudo: a password is required',
      'novaboot-shell: on: sudo: a password is required; the administrator has to install novaboot.sudoers',
    ],
  ])('that fails says why: %s', (said, told) => {
    write('status', '3');
    write('said', said);
    expect(run('on_cmd=true', 'on', { isDelayed })).toEqual({ stdout: '', stderr: `${told}\n`, status: 3 });
    expect(records()).toEqual(['alice on null', 'alice on 3']);
    write('status', '0');
    expect(run('on_cmd=true', 'on', { isDelayed })).toEqual(ok());
  });

  test('is not for systemd itself', () => {
    expect(run('power=x:', 'off', { isDelayed, direct: true })).toEqual(ok());
    expect(read('log')).toBe('novaboot-driver: <off> input <x:>\n');
  });
});

describe('state', () => {
  test('is what the driver says, and only that', () => {
    expect(run('echo read\npower=x:\non_cmd=true', 'state')).toEqual(ok('on\n'));
    expect(read('log')).toBe('novaboot-driver: <state> input <x:>\n');
    expect(records()).toEqual([]);
  });

  test('is nothing without a driver', () =>
    expect(run('on_cmd=true', 'state')).toEqual({ ...ok(), status: 69 }));
});

/** A word for sh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
