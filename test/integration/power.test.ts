/** Power over ssh: own commands and a built-in driver, what is remembered of them, and switching that is cut short. */
import { once } from 'node:events';
import net from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/ssh-session.ts';
import { type Lab, startLab } from '../support/sshd.ts';

let lab: Lab;

/** One relay, in the file `relay`. Where there is a file `slow`, switching never ends. */
const USBRELAY = `#!/bin/sh
cd
for word; do
  echo "$word" >>switched
  [ ! -e slow ] || exec sleep 1000
  echo "\${word#*=}" >relay
done
echo "LY03X_1=$(cat relay)"
`;
const RELAY = 'power=usbrelay:LY03X_1\nreset_delay=0\n';

beforeAll(async () => {
  lab = await startLab({ programs: { usbrelay: USBRELAY } });
});
afterEach(async () => {
  await lab.clean();
  await lab.sh('rm -rf .novaboot-shell .local switched slow on; echo 0 >relay');
});
afterAll(() => lab?.stop());

async function records(): Promise<string[]> {
  const lines = (await lab.read('.local/state/novaboot/journal')).trimEnd().split('\n');
  const entries = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'power');
  return entries.map(({ user, action, status }) => `${user} ${action} ${status}`);
}

const json = async (command: string) => JSON.parse((await lab.ssh('bob', [command, '--json'])).stdout);
const ok = (stdout: string | RegExp) => ({ stdout, stderr: '', exitCode: 0 });

describe('a built-in driver', () => {
  test('switches, is asked for the state, and is remembered', async () => {
    await lab.sh('echo 0 >relay');
    await lab.writeConfig(RELAY);
    expect(await lab.ssh('bob', ['power'])).toEqual(ok('The board is off.\n'));
    expect(await lab.ssh('alice', ['on'])).toEqual(ok(''));
    expect(await json('power')).toMatchObject({ version: 1, state: 'on', user: 'alice', source: 'device' });
    expect(await lab.ssh('guest', ['reset'])).toEqual(ok(''));
    expect((await lab.ssh('bob', ['status'])).stdout).toMatch(
      /^The board is free\.\nThe board is on since [^(]+\n$/,
    );
    expect(await lab.ssh('bob', ['off'])).toEqual(ok(''));
    expect(await json('status')).toMatchObject({
      state: 'free',
      power: { state: 'off', user: 'bob' },
      keep: null,
    });
    expect(await lab.read('switched')).toBe('LY03X_1=1\nLY03X_1=0\nLY03X_1=1\nLY03X_1=0\n');
    expect(await records()).toEqual(
      ['alice on', 'null reset', 'bob off'].flatMap((what) => [`${what} null`, `${what} 0`]),
    );
  });

  test('knows better than the journal', async () => {
    await lab.writeConfig(RELAY);
    await lab.ssh('alice', ['on']);
    await lab.sh('echo 0 >relay');
    expect(await lab.ssh('bob', ['power'])).toEqual(ok('The board is off.\n'));
    expect(await json('status')).toMatchObject({ power: { state: 'on', user: 'alice' } });
  });

  test('that fails says so in a line, and leaves the state unknown', async () => {
    await lab.writeConfig('power=usbrelay:NOPE_1\n');
    const failed = {
      stdout: '',
      stderr: expect.stringMatching(/^novaboot-shell: [^\n]*NOPE_1[^\n]*\n$/),
      exitCode: 1,
    };
    expect(await lab.ssh('bob', ['on'])).toEqual(failed);
    expect(await records()).toEqual(['bob on null', 'bob on 1']);
    expect(await lab.ssh('bob', ['power'])).toEqual({
      ...failed,
      stdout: expect.stringMatching(/not known: switching it at [^\n]+\(bob\) has not succeeded\.\n$/),
      exitCode: 0,
    });
  });

  test('works over the connection that has the console, and is noted down for its user', async () => {
    await lab.writeConfig(`${RELAY}console_cmd='echo UP; exec cat'\n`);
    const controlPath = `${lab.directory}/shared`;
    const console = lab.spawnSsh('bob', ['console'], { tty: true, master: true, controlPath });
    await console.waitForOutput(/UP/);
    expect(await lab.ssh('bob', ['reset'], { controlPath })).toEqual(ok(''));
    expect(await records()).toEqual(['bob on null', 'bob on 0', 'bob reset null', 'bob reset 0']);
    expect((await lab.ssh('alice', ['--no-wait', 'off'])).exitCode).toBe(75);
  });

  test('gets its secrets where nobody sees them', async () => {
    const server = net.createServer(() => {}).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    await lab.writeConfig(`power='http://user:SECRET@127.0.0.1:${port}/cm?cmnd=Power'\n`);
    const session = lab.spawnSsh('bob', ['on']);
    await once(server, 'connection');
    const commands = lab.processes().map(({ command }) => command);
    expect(commands.some((command) => command.includes('novaboot-driver'))).toBe(true);
    expect(commands.join('\n')).not.toContain('SECRET');
    session.kill('SIGKILL');
    await lab.clean();
    server.close();
  });
});

describe('own commands', () => {
  test('are remembered, whatever they run', async () => {
    await lab.writeConfig("on_cmd='exec touch on'\noff_cmd='rm on; exit 0'\nreset_delay=0\n");
    expect(await lab.ssh('bob', ['power'])).toEqual(
      ok('Whether the board is on is not known: nobody has switched it yet.\n'),
    );
    expect(await lab.ssh('bob', ['on'])).toEqual(ok(''));
    expect(await json('power')).toMatchObject({ state: 'on', user: 'bob', source: 'journal' });
    expect(await lab.ssh('bob', ['reset'])).toEqual(ok(''));
    expect(await lab.ssh('bob', ['off'])).toEqual(ok(''));
    expect(await lab.exists('on')).toBe(false);
    expect((await lab.ssh('bob', ['power'])).stdout).toMatch(/^The board is off since /);
  });

  test('switch for a console, which is noted down', async () => {
    await lab.writeConfig("on_cmd='echo on'\nconsole_cmd='echo UP'\n");
    expect(await lab.ssh('bob', ['console'])).toEqual(ok('novaboot-shell: Connected\non\nUP\n'));
    expect(await records()).toEqual(['bob on null', 'bob on 0']);
  });

  test('work where nothing can be noted down', async () => {
    await lab.writeConfig("on_cmd='echo on'\n");
    await lab.sh('rm -rf .local; touch .local');
    expect(await lab.ssh('bob', ['on'])).toEqual(ok('on\n'));
    expect((await lab.ssh('bob', ['status'])).stdout).toBe('The board is free.\n');
  });
});

test('a built-in console is open before the power is on', async () => {
  const server = net.createServer((socket) => {
    // The first bytes of the boot.
    void eventually('power', () => lab.exists('on')).then(() => socket.write('U-Boot\r\n'));
    socket.on('data', (data) => socket.write(data.toString().toUpperCase()));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as net.AddressInfo;
  await lab.writeConfig(`console=tcp:127.0.0.1:${port}\non_cmd='touch on; sleep 1'\n`);
  const session = lab.spawnSsh('bob', ['console'], { tty: true });
  await session.waitForOutput(/^novaboot-shell: Connected\r?\n[\s\S]*U-Boot\r\n/);
  session.write('boot\r');
  await session.waitForOutput(/BOOT/);
  await eventually('power', async () => (await records()).length === 2);
  expect(await records()).toEqual(['bob on null', 'bob on 0']);
  session.kill('SIGKILL');
  await eventually('an end', () => lab.processes().length === 0);
  server.close();
});

describe('killed in the middle of switching', () => {
  const OWN = "on_cmd='echo start >switched; while :; do sleep 0.05; done'\n";
  const EXEC = "on_cmd='echo start >switched; exec sleep 1000'\n";

  test.each([
    ['a driver', RELAY, 'TERM'],
    ['a driver', RELAY, 'KILL'],
    ['an own command', OWN, 'HUP'],
    ['an own command', OWN, 'KILL'],
    ['an own program', EXEC, 'KILL'],
  ])('%s leaves the board free and its state unknown', async (_, config, signal) => {
    await lab.writeConfig(config);
    await lab.sh('touch slow');
    lab.spawnSsh('alice', ['on']);
    await eventually('switching', () => lab.exists('switched'));
    const [holder = 0] = (await lab.lockHolders()).holders;
    await lab.signal(holder, signal);
    await eventually('a free lock', async () => (await lab.lockHolders()).holders.length === 0);
    await eventually('the end of what switches', () => lab.processes().length === 0);
    expect(await records()).toEqual(['alice on null', 'alice on 143']);
    expect(await json('status')).toMatchObject({ state: 'free', power: { state: 'unknown', user: 'alice' } });
    await lab.sh('rm slow');
    await lab.writeConfig(RELAY);
    expect(await lab.ssh('bob', ['--no-wait', 'on'])).toEqual(ok(''));
    expect(await records()).toEqual(['alice on null', 'alice on 143', 'bob on null', 'bob on 0']);
  });

  test('a reset has the board until it is on again', async () => {
    await lab.writeConfig(
      `off_cmd='echo off >>switched'
on_cmd='sleep 0.1; flock -n "$HOME" echo free >>switched || echo held >>switched'
reset_delay=100
`,
    );
    lab.spawnSsh('alice', ['reset']);
    await eventually('off', () => lab.exists('switched'));
    const [holder = 0] = (await lab.lockHolders()).holders;
    await lab.signal(holder, 'TERM');
    await eventually('a free lock', async () => (await lab.lockHolders()).holders.length === 0);
    expect(await lab.sh('cat switched')).toBe('off\nheld\n');
    expect(await json('status')).toMatchObject({ power: { state: 'unknown' } });
  });

  test('the end of the connection does not cut it short', async () => {
    await lab.writeConfig("off_cmd='touch switched; until [ -e on ]; do sleep 0.05; done; rm on'\n");
    const session = lab.spawnSsh('alice', ['off']);
    await eventually('switching', () => lab.exists('switched'));
    session.kill('SIGKILL');
    await session.exited;
    await lab.sh('touch on');
    await eventually('the end of switching', async () => (await records()).length === 2);
    expect(await json('status')).toMatchObject({ power: { state: 'off', user: 'alice' } });
  });
});

describe('keep', () => {
  test('is for who has the board', async () => {
    await lab.writeConfig("console_cmd='echo UP; exec cat'\n");
    const controlPath = `${lab.directory}/keeper`;
    const console = lab.spawnSsh('bob', ['console'], { tty: true, master: true, controlPath });
    await console.waitForOutput(/UP/);
    expect((await lab.ssh('alice', ['--no-wait', 'keep', '60'])).exitCode).toBe(75);
    expect(await json('status')).toMatchObject({ keep: null });
    const { stdout, exitCode } = await lab.ssh('bob', ['keep', '3600'], { controlPath });
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: expect.stringMatching(/^The board is kept on until 2\d{3}-\d\d-\d\d [:\d]{8}\.\n$/),
    });
    const { keep } = await json('status');
    expect(keep.user).toBe('bob');
    const seconds = (Date.parse(keep.until) - Date.now()) / 1000;
    expect(seconds).toBeGreaterThan(3500);
    expect(seconds).toBeLessThanOrEqual(3600);
    expect((await lab.ssh('alice', ['status'])).stdout).toMatch(
      /^It is kept on until [-\d]+ [:\d]+ for bob\.$/m,
    );
    expect(await lab.ssh('bob', ['keep', '0'], { controlPath })).toEqual(ok('The board is not kept on.\n'));
    expect(await json('status')).toMatchObject({ keep: null });
  });

  test('that cannot be written is said in a line', async () => {
    await lab.sh('mkdir -p .local/state/novaboot/keep');
    const { stderr, exitCode } = await lab.ssh('bob', ['keep', '60']);
    expect(stderr).toMatch(/^novaboot-shell: keep: [^\n]+\n$/);
    expect(exitCode).toBe(1);
    expect((await lab.lockHolders()).holders).toEqual([]);
  });
});
