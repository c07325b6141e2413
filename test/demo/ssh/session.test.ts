import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { spawnInTerminal } from '../../../src/system/pty.ts';
import { Demo, eventually, isAlive, run } from '../demo-server.ts';

const demo = new Demo();
const scratch = mkdtempSync(join(tmpdir(), 'novaboot-session-'));
beforeAll(() => demo.ready());
afterAll(async () => {
  await demo[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true });
});

describe('exec', () => {
  test('output, errors and status', async () => {
    const result = await demo.ssh(['alice', 'echo out; echo err >&2; exit 7']).result;
    expect(result).toEqual({ status: 7, stdout: Buffer.from('out\n'), stderr: 'err\n' });
  });

  test('a status of 128 + signal passes; a signal is one', async () => {
    expect((await demo.ssh(['alice', "sh -c 'kill -KILL $$'; exit $?"]).result).status).toBe(137);
    const { status } = await demo.ssh(['alice', 'kill -KILL $$']).result;
    expect(status).toBe(255);
  });

  test('no command', async () => {
    expect((await demo.ssh(['-T', 'bob']).result).stdout.toString()).toBe('login\n');
  });

  test('arguments and environment are those of sshd', async () => {
    const output = await demo.text('echo "$NB_COMMAND"; pwd; env; ls /proc/self/fd | tr "\\n" " "');
    const [command, directory, ...rest] = output.trimEnd().split('\n');
    expect(command).toBe('-c user alice admin');
    expect(directory).toBe(demo.home);
    const plain = await run('sh', ['-c', 'ls /proc/self/fd | tr "\\n" " "']).result;
    expect(rest.pop()).toBe(plain.stdout.toString().trimEnd());
    const names = rest
      .map((line) => line.split('=')[0])
      .filter((name) => name !== '_' && name !== 'NB_COMMAND');
    const expected = ['HOME', 'LOGNAME', 'PATH', 'PWD', 'SHELL', 'SSH_CLIENT', 'SSH_CONNECTION'];
    expect(names.sort()).toEqual([...expected, 'SSH_ORIGINAL_COMMAND', 'USER']);
    expect(rest.find((line) => line.startsWith('SSH_CONNECTION'))).toMatch(
      new RegExp(`=127\\.0\\.0\\.1 \\d+ 127\\.0\\.0\\.1 ${demo.port}$`),
    );
  });

  test('only names and values that are harmless get into the environment', async () => {
    const set = 'SetEnv=LC_ALL=C.UTF-8 LANG=$(id) LD_PRELOAD=x NODE_OPTIONS=x ENV=x';
    const lines = (await demo.text('env', '-o', set)).split('\n');
    expect(lines).toContain('LC_ALL=C.UTF-8');
    expect(lines.filter((line) => /^(LANG|LD_PRELOAD|NODE_OPTIONS|ENV|NODE_CHANNEL_FD)=/.test(line))).toEqual(
      [],
    );
  });

  test('no terminal, but pipes and a session of its own', async () => {
    const output = await demo.text('tty; readlink /proc/self/fd/0; ps -o sid= -p $$; echo $$');
    expect(output).toMatch(/^not a tty\npipe:\[\d+\]\n\s*(\d+)\n\1\n$/);
  });
});

describe('streams', () => {
  const megabytes = 50;

  test('a large transfer to the server', async () => {
    const data = randomBytes(megabytes << 20);
    const { stdout } = await demo.ssh(['alice', 'sha256sum'], data).result;
    expect(stdout.toString().split(' ')[0]).toBe(createHash('sha256').update(data).digest('hex'));
  });

  test('a large transfer from the server', async () => {
    const data = randomBytes(megabytes << 20);
    const file = join(scratch, 'large');
    writeFileSync(file, data);
    const { stdout } = await demo.ssh(['alice', `cat ${file}`]).result;
    expect(stdout.equals(data)).toBe(true);
  });

  test('half-close: the shell sees the end of the input and still answers', async () => {
    const data = randomBytes(1 << 20);
    expect((await demo.ssh(['alice', 'cat'], data).result).stdout.equals(data)).toBe(true);
    expect((await demo.ssh(['alice', 'cat >/dev/null; sleep 0.2; echo end']).result).stdout.toString()).toBe(
      'end\n',
    );
  });

  test('output and errors at once, more than the window holds', async () => {
    const command = 'yes o | head -c 9000000 & yes e | head -c 9000000 >&2; wait';
    const { stdout, stderr } = await demo.ssh(['alice', command]).result;
    expect(stdout.equals(Buffer.from('o\n'.repeat(4500000)))).toBe(true);
    expect(stderr === 'e\n'.repeat(4500000)).toBe(true);
  });

  test('a client that does not read holds up the program', async () => {
    const flag = join(scratch, 'flag');
    const { child, result } = demo.ssh(['alice', `head -c 60000000 /dev/zero; echo x > ${flag}`]);
    child.stdout?.pause();
    await delay(1000);
    expect(existsSync(flag)).toBe(false);
    child.stdout?.resume();
    expect((await result).stdout.length).toBe(60000000);
  });

  test('a program that stops reading does not stop the client', async () => {
    const result = await demo.ssh(['alice', 'exec <&-; sleep 0.2; echo end'], Buffer.alloc(8 << 20)).result;
    expect(result).toMatchObject({ status: 0, stdout: Buffer.from('end\n') });
  });
});

describe('terminal', () => {
  test('has TERM, a name, and both output and errors', async () => {
    const output = await demo.text('tty; echo $SSH_TTY; echo err >&2; exit 3', '-tt');
    expect(output).toMatch(/^(\/dev\/pts\/\d+)\r\n\1\r\nerr\r\n$/);
  });

  test('follows the size of the client', async () => {
    const command = 'stty size; trap "stty size; exit 5" WINCH; echo ready; while :; do sleep 0.05; done';
    const terminal = spawnInTerminal(['ssh', ...demo.sshArguments('-t', 'alice', command)], {
      cwd: '/',
      size: { rows: 40, columns: 100 },
      environment: () => ({ PATH: '/usr/bin:/bin', TERM: 'xterm' }),
    });
    let output = '';
    let resized = false;
    for await (const chunk of terminal.output) {
      output += chunk;
      if (!resized && output.includes('ready')) {
        resized = true;
        terminal.resize({ rows: 11, columns: 22 });
      }
    }
    expect(output.split('\r\n').slice(0, 3)).toEqual(['40 100', 'ready', '11 22']);
    expect(terminal.child.exitCode ?? (await once(terminal.child, 'exit'))[0]).toBe(5);
  });

  test('Ctrl-C interrupts', async () => {
    const script = 'trap "echo caught; exit 9" INT; echo ready; while :; do sleep 0.05; done';
    const { child, result, seen } = demo.ssh(['-tt', 'alice', script], 'open');
    await seen('ready');
    child.stdin?.write('\x03');
    expect(await result).toMatchObject({ status: 9 });
  });
});

describe('the end of a client', () => {
  test.each([
    ['without a terminal', '-T'],
    ['with a terminal', '-tt'],
  ])('hangs up %s', async (_, option) => {
    const file = join(scratch, `hup${option}`);
    const script = `trap 'echo hup > ${file}; exit' HUP; echo $$; while :; do sleep 0.05; done`;
    const { child, seen } = demo.ssh([option, 'alice', script], 'open');
    const pid = await seen('\n');
    child.kill('SIGKILL');
    await eventually(() => existsSync(file));
    await eventually(() => !isAlive(Number(pid)));
  });

  test('ends its process, once its shells have ended', async () => {
    const over = join(scratch, 'over');
    const script = `trap "" HUP; echo $$ $PPID; until [ -e ${over} ]; do sleep 0.05; done`;
    const { child, seen } = demo.ssh(['alice', script], 'open');
    const [shell, connection] = (await seen('\n')).split(' ').map(Number) as [number, number];
    child.kill('SIGKILL');
    await delay(300);
    expect(isAlive(shell)).toBe(true);
    expect(isAlive(connection)).toBe(true);
    writeFileSync(over, '');
    await eventually(() => !isAlive(connection));
  });
});

describe('connection sharing', () => {
  test('sessions of a connection have the same parent, those of two have not; at most ten', async () => {
    const control = join(scratch, 'ctl');
    const master = demo.ssh(['-M', '-S', control, 'alice', 'echo $PPID; cat'], 'open');
    const first = await master.seen('\n');
    expect(await demo.text('echo $PPID', '-S', control)).toBe(first);
    expect(await demo.text('echo $PPID')).not.toBe(first);
    const sessions = Array.from({ length: 9 }, () =>
      demo.ssh(['-S', control, 'alice', 'echo ready; cat'], 'open'),
    );
    await Promise.all(sessions.map(({ seen }) => seen('ready')));
    // The client falls back to a connection of its own, for which this host name is none.
    const eleventh = await demo.ssh([
      '-S',
      control,
      '-o',
      'HostName=192.0.2.1',
      '-o',
      'ConnectTimeout=1',
      'alice',
      'true',
    ]).result;
    expect(eleventh.status).toBe(255);
    for (const { child } of sessions) child.stdin?.end();
    await Promise.all(sessions.map(({ result }) => result));
    expect(await demo.text('echo $PPID', '-S', control)).toBe(first);
    master.child.stdin?.end();
    await master.result;
  });
});
