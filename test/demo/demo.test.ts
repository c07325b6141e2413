import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { startListener } from '../../src/demo/ssh/listener.ts';
import { Demo, eventually, isAlive, PROGRAM, run } from './demo-server.ts';

const scratch = mkdtempSync(join(tmpdir(), 'novaboot-life-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Processes with the text among their arguments. */
function processesWith(text: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(text);
    } catch {
      return false;
    }
  });
}

describe('state directory', () => {
  test('keys and configuration are private, and stay', async () => {
    const state = join(scratch, 'a "state" directory'.replaceAll('"', "'"));
    const demo = new Demo({ state: scratch, args: ['--port', '0', '--state', state] });
    await demo.ready();
    for (const name of ['alice', 'bob', 'host_key', 'ssh_config', 'home/.ssh/authorized_keys']) {
      expect(statSync(join(state, name)).mode & 0o777).toBe(0o600);
    }
    for (const name of ['', 'home', 'home/.ssh'])
      expect(statSync(join(state, name)).mode & 0o777).toBe(0o700);
    const key = readFileSync(join(state, 'alice'));
    const second = run(process.execPath, [PROGRAM, '--state', state, '--shell', '/bin/sh']);
    expect(await second.result).toMatchObject({
      status: 75,
      stderr: `novaboot-demo: ${state}: another demo is using it, give --state DIR\n`,
    });
    const { stdout } = await run('ssh', ['-F', join(state, 'ssh_config'), 'alice', 'echo', 'ok']).result;
    expect(stdout.toString()).toBe('ok\n');
    await demo.stop();
    const again = new Demo({ state: scratch, args: ['--port', '0', '--state', state] });
    await again.ready();
    expect(readFileSync(join(state, 'alice'))).toEqual(key);
    await again.stop();
  });

  test('a configuration without the first line is not touched', async () => {
    await using demo = new Demo();
    await demo.ready();
    const file = join(demo.home, '.novaboot-shell');
    writeFileSync(file, 'console_cmd=true\n');
    await demo.stop();
    const again = new Demo({ state: demo.state });
    await again.ready();
    await again.stop();
    expect(readFileSync(file, 'utf8')).toBe('console_cmd=true\n');
  });

  test('a path longer than a socket may have', async () => {
    const state = join(scratch, 'x'.repeat(120));
    const demo = new Demo({ state: scratch, args: ['--port', '0', '--state', state] });
    await demo.ready();
    expect(await run(process.execPath, [PROGRAM, 'board', 'on', state]).result).toMatchObject({ status: 0 });
    await demo.stop();
    expect(existsSync(join(state, 'board.sock'))).toBe(false);
  });
});

describe('command line', () => {
  test.each<[string[], number, RegExp]>([
    [['--port', '70000'], 64, /^novaboot-demo: --port: expected a number from 0 to 65535\n$/],
    [['--port', 'x'], 64, /^novaboot-demo: --port: expected a number/],
    [['--what'], 64, /^novaboot-demo: Unknown option '--what'.*\n$/],
    [['word'], 64, /^novaboot-demo: Unexpected argument 'word'.*\n$/],
    [['--shell', '/nonexistent'], 69, /^novaboot-demo: no login shell at \/nonexistent\n$/],
    [
      ['--state', '/dev/null/x', '--shell', '/bin/sh'],
      1,
      /^novaboot-demo: cannot use the state directory: .*\n$/,
    ],
    [['connection'], 64, /internal use\n$/],
    [['board'], 64, /^novaboot-demo: usage/],
    [['board', 'console', '/nonexistent'], 69, /^novaboot-demo: the board does not run\n$/],
  ])('%j', async (args, status, stderr) => {
    const result = await run(process.execPath, [PROGRAM, ...args]).result;
    expect(result.status).toBe(status);
    expect(result.stderr).toMatch(stderr);
  });

  test.each(['--help', '--version'])('%s', async (option) => {
    const { status, stdout } = await run(process.execPath, [PROGRAM, option]).result;
    expect(status).toBe(0);
    expect(stdout.toString()).toContain('novaboot-demo');
  });
});

test('the built program starts with the Node of the build, whatever the environment says', async () => {
  const program = resolve(import.meta.dirname, '../../dist/novaboot-demo');
  const env = { PATH: '/nonexistent', NODE_OPTIONS: '--nonsense', LANG: 'a'.repeat(12) };
  const { status, stdout, stderr } = await run(program, ['--help'], undefined, { env }).result;
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout.toString()).toContain('novaboot-demo board serve');
});

describe('ports', () => {
  test('the next free one, without --port', async () => {
    await using first = new Demo({ args: [] });
    await first.ready();
    await using second = new Demo({ args: [] });
    await second.ready();
    expect(first.port).toBeGreaterThanOrEqual(2222);
    expect(second.port).toBeGreaterThan(first.port);
  });

  test('the given one or none', async () => {
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    const { port } = occupant.address() as { port: number };
    await using demo = new Demo({ args: ['--port', String(port)] });
    expect(await demo.exited).toEqual([1, null]);
    expect(demo.errors).toBe(`novaboot-demo: port ${port}: in use\n`);
    expect(existsSync(join(demo.state, 'board.sock'))).toBe(false);
    occupant.close();
  });
});

describe('the end', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s ends all that was started', async (signal) => {
    await using demo = new Demo();
    await demo.ready();
    const marker = `marker-${process.pid}-${signal}`;
    const stubborn = `trap "" HUP TERM; sh -c 'trap "" HUP TERM; echo ready; while :; do sleep 0.1; done' ${marker}`;
    const client = demo.ssh(['-tt', 'alice', stubborn], 'open');
    const other = demo.ssh(['bob', `echo ready; sleep 1000; : ${marker}`], 'open');
    const control = demo.ssh(['-M', '-S', join(demo.state, 'ctl'), '-N', 'alice'], 'open');
    for (const { seen } of [client, other]) await seen('ready');
    demo.child.kill(signal);
    expect(await demo.exited).toEqual([0, null]);
    expect(
      processesWith(marker).filter(
        (pid) => pid !== String(client.child.pid) && pid !== String(other.child.pid),
      ),
    ).toEqual([]);
    expect(existsSync(join(demo.state, 'board.sock'))).toBe(false);
    for (const { result } of [client, other, control]) expect((await result).status).toBe(255);
    const socket = connect(demo.port, '127.0.0.1');
    await expect(once(socket, 'connect')).rejects.toThrow('ECONNREFUSED');
    expect(demo.errors).toBe('');
  });

  test('a killed server takes its connections along', async () => {
    await using demo = new Demo();
    await demo.ready();
    const { seen } = demo.ssh(['alice', 'echo $PPID $$; sleep 1000'], 'open');
    const line = await seen('\n');
    demo.child.kill('SIGKILL');
    for (const pid of line.split(' ').map(Number)) await eventually(() => !isAlive(pid));
    await using again = new Demo({ state: demo.state });
    await again.ready();
    expect(await again.text('echo again')).toBe('again\n');
  });

  test('a killed connection is the end of that one only', async () => {
    await using demo = new Demo();
    await demo.ready();
    const { result, seen } = demo.ssh(['alice', 'echo $PPID; cat'], 'open');
    const other = demo.ssh(['bob', 'cat'], 'open');
    const pid = await seen('\n');
    process.kill(Number(pid), 'SIGKILL');
    expect((await result).status).toBe(255);
    other.child.stdin?.end('here');
    expect((await other.result).stdout.toString()).toBe('here');
    expect(await demo.text('echo still')).toBe('still\n');
    expect(demo.errors).toBe("novaboot-demo: a connection's process ended with SIGKILL\n");
  });

  test('a login shell that is not there any more', async () => {
    await using demo = new Demo();
    await demo.ready();
    rmSync(join(demo.state, 'stand-in'));
    const { status, stderr } = await demo.ssh(['alice', 'true']).result;
    expect(status).toBe(127);
    expect(stderr).toMatch(/^novaboot-demo: cannot run the login shell: .*\n$/);
  });
});

test('who does not log in is disconnected', async () => {
  await using demo = new Demo();
  await demo.ready();
  const settings = {
    hostKeyFile: join(demo.state, 'host_key'),
    home: demo.home,
    shell: '/bin/sh',
    loginGraceMs: 300,
  };
  const listener = await startListener({ program: PROGRAM, port: 0, settings });
  for (const banner of ['', 'SSH-2.0-test\r\n']) {
    const socket = connect(listener.port, '127.0.0.1', () => socket.write(banner));
    socket.on('error', () => {}).resume();
    await once(socket, 'close');
  }
  await listener.close();
});
