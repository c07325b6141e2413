/** Connection sharing: what the client does over the connection that has the console. */
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually, type Session } from '../support/ssh-session.ts';
import { type Lab, startLab } from '../support/sshd.ts';

let lab: Lab;
let masters = 0;

beforeAll(async () => {
  lab = await startLab();
});
afterEach(() => lab.clean());
afterAll(() => lab?.stop());

const CONFIG = `console_cmd='echo UP; exec cat'
reset_cmd='echo reset; test -t 0 && echo terminal'
on_cmd='echo power on'
off_cmd='echo power off'
`;

async function connect(user: string, config = CONFIG) {
  await lab.writeConfig(config);
  const controlPath = `${lab.directory}/ctl${masters++}`;
  const session = lab.spawnSsh(user, ['console'], { tty: true, master: true, controlPath });
  await session.waitForOutput(/UP/);
  return { session, controlPath };
}

describe('while the console is connected', () => {
  test.each([
    ['reset', /^reset\r?\nterminal\r?\n$/],
    ['on', /^power on\r?\n$/],
    ['off', /^power off\r?\n$/],
  ])('%s works at once over the same connection', async (name, expected) => {
    const { session, controlPath } = await connect('bob');
    const { holders } = await lab.lockHolders();
    const { stdout, exitCode } = await lab.ssh('bob', [name], { tty: true, controlPath });
    expect(stdout).toMatch(expected);
    expect(exitCode).toBe(0);
    expect((await lab.lockHolders()).holders).toEqual(holders);
    session.write('still connected\n');
    await session.waitForOutput(/still connected\r\nstill connected/);
  });

  test('files can be uploaded over the same connection', async () => {
    const { controlPath } = await connect('bob');
    await lab.root(`mkdir -p ${lab.directory}/up/sub; echo kernel >${lab.directory}/up/sub/bzImage`);
    const { exitCode, stderr } = await lab.rsync(
      'bob',
      ['-RL', '--chmod=ugo=rwX', 'up/sub/bzImage', 'board@127.0.0.1:'],
      { controlPath },
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(await lab.read('tftproot/up/sub/bzImage')).toBe('kernel\n');
  });

  test('another connection of the same user waits', async () => {
    const { session } = await connect('bob');
    expect((await lab.ssh('bob', ['--no-wait', 'reset'])).exitCode).toBe(75);
    const other = lab.spawnSsh('bob', ['reset']);
    await other.waitForOutput(/occupied by:/);
    expect(other.stdout).not.toMatch(/^reset$/m);
    session.kill('SIGTERM');
    await other.waitForOutput(/^reset$/m);
  });

  test('a second console over the same connection waits', async () => {
    const { controlPath } = await connect('bob');
    expect((await lab.ssh('bob', ['--no-wait', 'console'], { controlPath })).exitCode).toBe(75);
  });

  test('the board is free once the console has ended, though the connection lives on', async () => {
    const { session, controlPath } = await connect('bob', CONFIG.replace('exec cat', 'read line'));
    const other = lab.spawnSsh('bob', ['console'], { tty: true, controlPath });
    await other.waitForOutput(/occupied/);
    session.write('bye\n');
    await other.waitForOutput(/Connected/);
    expect((await lab.ssh('alice', ['--no-wait', 'reset'])).exitCode).toBe(75);
    other.write('bye\n');
    await other.exited;
    expect((await lab.ssh('alice', ['--no-wait', 'on'])).exitCode).toBe(0);
  });

  test('nothing of Node stays behind it', async () => {
    await connect('bob', CONFIG.replace('exec cat', 'sleep 1000'));
    const pids = lab.processes().map(({ pid }) => pid);
    expect(pids.length).toBeGreaterThan(0);
    for (const pid of pids) {
      expect(await lab.root(`readlink /proc/${pid}/exe`)).not.toMatch(/node/);
      expect(await lab.root(`cat /proc/${pid}/maps`)).not.toMatch(/koffi|bin\/node/);
    }
  });
});

test('Connected comes before a byte of the board', async () => {
  await lab.writeConfig("console_cmd='echo BOARD'\non_cmd='echo POWER'\n");
  for (let round = 0; round < 5; round++) {
    const { stdout } = await lab.ssh('bob', ['console'], { tty: true });
    expect(stdout).toBe('novaboot-shell: Connected\r\nPOWER\r\nBOARD\r\n');
  }
});

test('an upload and a reset of somebody else do not get in between', async () => {
  const { controlPath } = await connect('alice');
  const bob = lab.spawnSsh('bob', ['reset']);
  await eventually('a waiter', async () => (await lab.lockHolders()).waiters.length === 1);
  expect((await lab.ssh('alice', ['reset'], { controlPath })).stdout).toMatch(/^reset$/m);
  expect(bob.stdout).not.toMatch(/^reset$/m);
});

describe('exit status', () => {
  const cases = [
    ['exit 7', 7],
    ['exit 0', 0],
    ['false', 1],
    ['no-such-program-anywhere', 127],
    ['/etc/passwd', 126],
    ['sh -c "kill -9 \\$\\$"', 137],
    ['sh -c "kill -TERM \\$\\$"', 143],
  ] as const;

  test.each(cases)('console and reset: %s gives %d', async (command, status) => {
    await lab.writeConfig(`console_cmd='${command}'\nreset_cmd='${command}'\n`);
    expect((await lab.ssh('bob', ['console'])).exitCode).toBe(status);
    expect((await lab.ssh('bob', ['console'], { tty: true })).exitCode).toBe(status);
    expect((await lab.ssh('bob', ['reset'])).exitCode).toBe(status);
  });

  test.each(['KILL', 'TERM', 'INT', 'SEGV'])('a console shell killed by %s', async (signal) => {
    await lab.writeConfig(`console_cmd='ulimit -c 0; kill -${signal} $$; sleep 1'\n`);
    const number = { KILL: 9, TERM: 15, INT: 2, SEGV: 11 }[signal] ?? 0;
    expect((await lab.ssh('bob', ['console'])).exitCode).toBe(128 + number);
  });

  test.each(cases)('over the connection of the console: %s gives %d', async (command, status) => {
    const { controlPath } = await connect('bob', `console_cmd='echo UP; cat'\nreset_cmd='${command}'\n`);
    expect((await lab.ssh('bob', ['reset'], { controlPath })).exitCode).toBe(status);
  });
});

describe('the terminal', () => {
  async function started(command: string, name = 'console'): Promise<Session> {
    await lab.writeConfig(`console_cmd='${command}'\nreset_cmd='${command}'\n`);
    const session = lab.spawnSsh('bob', [name], { tty: true });
    await session.waitForOutput(/READY/);
    return session;
  }

  test.each(['console', 'reset'])('Ctrl-C interrupts a program that does not catch it (%s)', async (name) => {
    const session = await started('echo READY; exec sleep 1000', name);
    session.write('\x03');
    const { exitCode } = await session.exited;
    expect(exitCode).not.toBe(0);
    await eventually('an end', () => lab.processes().length === 0);
  });

  test('Ctrl-C reaches a program that catches it, and leaves it the board', async () => {
    const session = await started(
      // Short sleeps: dash loses an interrupt between fork and exec, and traps only when its child has ended.
      'trap "echo INTERRUPTED" INT; echo READY; while :; do sleep 0.1 || :; done',
    );
    session.write('\x03');
    await session.waitForOutput(/INTERRUPTED/);
    expect((await lab.lockHolders()).holders).toHaveLength(1);
  });

  test('Ctrl-C is a byte for a program that has the terminal in raw mode', async () => {
    const session = await started('stty raw -echo; echo READY; head -c 2 | od -An -tx1');
    session.write('\x03\x1c');
    await session.waitForOutput(/03 1c/);
    expect((await session.exited).exitCode).toBe(0);
  });

  test('Ctrl-C ends a client that waits', async () => {
    await started('echo READY; exec cat');
    const waiting = lab.spawnSsh('alice', ['reset'], { tty: true });
    await eventually('a waiter', async () => (await lab.lockHolders()).waiters.length === 1);
    waiting.write('\x03');
    expect((await waiting.exited).exitCode).not.toBe(0);
    expect(waiting.stdout).not.toMatch(/READY/);
  });

  test('is in cooked mode, with the program in the foreground', async () => {
    const session = await started('stty -a; ps -o pgid=,tpgid= -p $$; echo READY');
    expect(session.stdout).toMatch(/\sisig icanon\b/);
    expect(session.stdout).toMatch(/\secho\s/);
    const [, group, foreground] = /^\s*(\d+)\s+(\d+)\r$/m.exec(session.stdout) ?? [];
    expect(group).toBe(foreground);
  });

  test('has the size of the client', async () => {
    await lab.writeConfig("console_cmd='stty size'\nreset_cmd='stty size'\n");
    for (const name of ['console', 'reset']) {
      const window = { rows: 33, columns: 99 };
      const session = lab.spawnSsh('bob', [name], { tty: true, window });
      await session.waitForOutput(/^33 99\r?$/m);
    }
  });

  test('carries eight bits and much data', async () => {
    await lab.writeConfig("console_cmd='stty raw -echo; echo READY; head -c 300000 | sha256sum'\n");
    const session = lab.spawnSsh('bob', ['console'], { tty: true });
    await session.waitForOutput(/READY/);
    session.write('\u00e9x\0'.repeat(75_000));
    const digest = createHash('sha256').update('\u00e9x\0'.repeat(75_000)).digest('hex');
    await session.waitForOutput(new RegExp(digest));
  });
});
