/** `novaboot-demo board serve`: a virtual board alone, and what may go wrong with it. */
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { eventually, PROGRAM, type Running, run } from '../demo-server.ts';

/** Programs start within seconds; on a busy machine many. */
vi.setConfig({ testTimeout: 160_000, hookTimeout: 120_000 });

let directory: string;
let state: string;
const served: Running[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'novaboot-serve-'));
  state = join(directory, 'state');
});
afterEach(async () => {
  for (const { child, result } of served.splice(0)) {
    child.kill('SIGKILL');
    await result;
  }
  rmSync(directory, { recursive: true });
});

/** @param path directories to look for programs in, before the others */
function demo(args: readonly string[], path = process.env.PATH ?? ''): Running {
  return run('env', [`PATH=${path}`, process.execPath, PROGRAM, ...args], 'open');
}

function client(command: string) {
  return demo(['board', command, state]).result;
}

async function serve(args: readonly string[] = [], path?: string): Promise<Running> {
  const running = demo(['board', 'serve', state, ...args], path);
  served.push(running);
  await running.seen('switched off');
  return running;
}

/** The process of QEMU: the one that has the server as its parent. */
function emulator({ child }: Running): number {
  const children = readdirSync('/proc').filter((name) => {
    try {
      return readFileSync(`/proc/${name}/stat`, 'latin1')
        .replace(/^.*\) . /, '')
        .startsWith(`${child.pid} `);
    } catch {
      return false;
    }
  });
  expect(children).toHaveLength(1);
  return Number(children[0]);
}

/** How many descriptors a process has. */
function descriptorsOf({ child }: Running): number {
  return readdirSync(`/proc/${child.pid}/fd`).length;
}

function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** A directory for PATH with a QEMU of the test's own. */
function fakeQemu(script: string): string {
  const path = join(directory, 'bin');
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'qemu-system-aarch64'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return `${path}${delimiter}${process.env.PATH}`;
}

test('it says what a lab needs to know', async () => {
  const { seen } = await serve();
  expect(
    await seen('--uboot-cmd'),
  ).toBe(`novaboot-demo: a virtual board in ${state}, switched off; its target_config:
--uboot
--uboot-init=dhcp
--uboot-addr=kernel=0x40400000
--uboot-addr=ramdisk=0x44000000
--uboot-cmd=booti $kernel_addr $ramdisk_addr:\${filesize} \${fdtcontroladdr}
`);
  const second = await demo(['board', 'serve', state]).result;
  expect(second).toMatchObject({
    status: 75,
    stderr: `novaboot-demo: ${state}: another board is served there\n`,
  });
});

test.each([
  ['SIGTERM', 0],
  ['SIGINT', 0],
  ['SIGKILL', null],
] as const)('QEMU ends with its server by %s', async (signal, status) => {
  const server = await serve();
  expect(await client('on')).toMatchObject({ status: 0, stderr: '' });
  const pid = emulator(server);
  expect(isRunning(pid)).toBe(true);
  server.child.kill(signal);
  expect((await server.result).status).toBe(status);
  await eventually(() => !isRunning(pid), 60_000);
  expect(await client('on')).toMatchObject({ status: 69, stderr: 'novaboot-demo: the board does not run\n' });
});

test('when QEMU is killed, its consoles stay, and it can be switched on again', async () => {
  const server = await serve();
  const socket = connect(join(state, 'board.sock'));
  await once(socket, 'connect');
  let printed = '';
  socket.on('data', (data) => {
    printed += data;
  });
  socket.write('console\n');
  const boots = () => printed.split('stop autoboot').length - 1;
  for (let count = 1; count <= 2; count++) {
    // Until the server has noticed the end of QEMU, there is nothing to switch on.
    await eventually(async () => {
      expect(await client('on')).toMatchObject({ status: 0, stderr: '' });
      return boots() === count;
    }, 60_000);
    process.kill(emulator(server), 'SIGKILL');
  }
  server.child.kill('SIGTERM');
  const { status, stderr } = await server.result;
  expect(status).toBe(0);
  expect(stderr).toContain('novaboot-demo: the virtual board has ended: QEMU ended with SIGKILL\n');
  socket.destroy();
});

test.each([
  ['QEMU that ends at once', "echo 'qemu: no memory' >&2; exit 1", 'qemu: no memory'],
  ['QEMU that says nothing', 'exit 3', 'QEMU ended with status 3'],
  ['QEMU that ends well', 'exit 0', 'QEMU has ended'],
  ['QEMU that is no QEMU', 'echo strange >&2; echo nonsense >&4; read x <&4', 'strange'],
])('%s', async (_name, script, reason) => {
  await serve([], fakeQemu(script));
  const stderr = `novaboot-demo: the virtual board did not start: ${reason}\n`;
  expect(await client('on')).toMatchObject({ status: 1, stderr });
  expect(await client('reset')).toMatchObject({ status: 1, stderr });
  expect(await client('off')).toMatchObject({ status: 0, stderr: '' });
});

test('a U-Boot that is none', async () => {
  await serve(['--uboot', directory]);
  const { status, stderr } = await client('on');
  expect(status).toBe(1);
  expect(stderr).toMatch(/^novaboot-demo: the virtual board did not start: .*'\n$/);
});

test.each([['--uboot'], ['--home']])('%s with a file that is not there', async (option) => {
  const { status, stderr } = await demo(['board', 'serve', state, option, '/nonexistent']).result;
  expect(status).toBe(69);
  expect(stderr).toMatch(/^novaboot-demo: ENOENT: .*'\/nonexistent'\n$/);
});

test('a state directory that cannot be made', async () => {
  const { status, stderr } = await demo(['board', 'serve', '/nonexistent/state']).result;
  expect(status).toBe(1);
  expect(stderr).toMatch(/^novaboot-demo: cannot use the state directory: ENOENT: .*\n$/);
});

test('a power cut does not wait for the reset of a machine that hangs', async () => {
  const server = await serve();
  expect(await client('on')).toMatchObject({ status: 0 });
  const pid = emulator(server);
  process.kill(pid, 'SIGSTOP');
  const before = descriptorsOf(server);
  const reset = client('reset');
  await eventually(() => descriptorsOf(server) > before);
  const from = performance.now();
  expect(await client('off')).toMatchObject({ status: 0, stderr: '' });
  expect(await reset).toMatchObject({ status: 0, stderr: '' });
  // QEMU has 30 s for an answer.
  expect(performance.now() - from).toBeLessThan(25_000);
  expect(isRunning(pid)).toBe(false);
});

test('without QEMU, the package is named', async () => {
  const path = join(directory, 'bin');
  mkdirSync(path);
  symlinkSync(process.execPath, join(path, 'node'));
  const { status, stderr } = await demo(['board', 'serve', state], path).result;
  expect({ status, stderr }).toEqual({
    status: 69,
    stderr: 'novaboot-demo: missing packages: qemu-system-arm\n',
  });
});

test.each([
  [[]],
  [['one', 'two']],
  [['one', '--tftp-port', '0']],
  [['one', '--tftp-port', '65536']],
  [['one', '--tftp-port', 'x']],
  [['one', '--nonsense']],
])('usage: %j', async (args) => {
  const { status, stderr } = await demo(['board', 'serve', ...args]).result;
  expect(status).toBe(64);
  expect(stderr).toMatch(/^novaboot-demo: usage: novaboot-demo board serve STATE .*\n$/);
});

test('a directory that others may write to', async () => {
  const open = join(directory, 'open');
  mkdirSync(open);
  chmodSync(open, 0o777);
  const { status, stderr } = await demo(['board', 'serve', open]).result;
  expect({ status, stderr }).toEqual({
    status: 77,
    stderr: `novaboot-demo: ${open}: expected a directory that only you can write to\n`,
  });
});
