import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { type Board, startBoard } from '../../../src/demo/board/board.ts';
import type { Machine } from '../../../src/demo/board/machine.ts';
import { simpleMachine } from '../../../src/demo/board/simple-machine.ts';
import { CommandError } from '../../../src/shell/errors.ts';
import { spawnInTerminal } from '../../../src/system/pty.ts';
import { eventually, PROGRAM, type Running, run } from '../demo-server.ts';

const state = mkdtempSync(join(tmpdir(), 'novaboot-board-'));
const path = join(state, 'board.sock');
let board: Board;
beforeEach(async () => {
  board = await startBoard(path, simpleMachine);
});
afterEach(() => board.close());
afterAll(() => rmSync(state, { recursive: true }));

function client(command: string) {
  return run(process.execPath, [PROGRAM, 'board', command, state], 'open');
}

/** A client on the console, once it is there, with the board just switched on. */
async function attached(): Promise<Running> {
  const running = client('console');
  for (let booted = false; !booted; ) {
    await client('reset').result;
    booted = await Promise.race([running.seen('autoboot').then(() => true), delay(2000, false)]);
  }
  return running;
}

test('a console sees the boot messages and answers what is typed', async () => {
  const { child, result, seen } = await attached();
  expect(await seen('autoboot')).toContain('DRAM:');
  child.stdin?.write('\n');
  await seen('(uboot) ');
  child.stdin?.write('setenv a b c\recho hellp\x7fo\rprintenv\r\nnonsense\r');
  const answer = await seen("'nonsense'");
  expect(answer).toContain('echo hellp\b \bo\r\nhello\r\n(uboot) ');
  expect(answer).toContain('a=b c\r\n');
  child.stdin?.write('poweroff\r');
  await seen('poweroff\r\n');
  child.stdin?.write('nothing is heard now\r');
  await delay(200);
  child.kill('SIGTERM');
  const { status, stdout } = await result;
  expect(status).toBe(143);
  expect(stdout.toString()).toMatch(/poweroff\r\n$/);
});

test('Ctrl-] leaves the console of a terminal', async () => {
  const terminal = spawnInTerminal([process.execPath, PROGRAM, 'board', 'console', state], {
    cwd: '/',
    size: { rows: 24, columns: 80 },
    environment: () => ({}),
  });
  expect(String((await terminal.output.next()).value)).toContain('Ctrl-]');
  terminal.input.write('\x1d');
  expect(await once(terminal.child, 'exit')).toEqual([0, null]);
});

test('the end of the board ends its consoles and removes the socket', async () => {
  const { result } = await attached();
  await board.close();
  expect((await result).status).toBe(1);
  expect(readdirSync(state)).toEqual([]);
});

test('other requests are refused', async () => {
  for (const request of ['nonsense\n', 'x'.repeat(100_000)]) {
    const socket = connect(path, () => socket.write(request));
    socket.on('error', () => {}).resume();
    await new Promise((resolve) => socket.once('close', resolve));
  }
});

test('what goes wrong is said in a line, and the next request is heard', async () => {
  await board.close();
  let starts = 0;
  const broken: Machine = {
    on: async () => {
      if (starts++ === 0) throw new CommandError('no electricity');
    },
    off: async () => {},
    reset: async () => {},
    input: new Writable(),
  };
  board = await startBoard(path, { make: () => broken, targetConfig: [] });
  const first = client('on').result;
  expect(await first).toMatchObject({ status: 1, stderr: 'novaboot-demo: no electricity\n' });
  expect(await client('on').result).toMatchObject({ status: 0, stderr: '' });
});

test('requests that come together are done one after the other', async () => {
  await board.close();
  const log: string[] = [];
  const slowly = (name: string) => async () => {
    log.push(`${name} begins`);
    await delay(20);
    log.push(`${name} ends`);
  };
  const slow: Machine = {
    on: slowly('on'),
    off: slowly('off'),
    reset: slowly('reset'),
    input: new Writable(),
  };
  board = await startBoard(path, { make: () => slow, targetConfig: [] });
  await Promise.all(['on', 'reset', 'on'].map((command) => client(command).result));
  expect(log).toHaveLength(6);
  for (const index of [0, 2, 4]) {
    expect(log[index + 1]).toBe(log[index]?.replace('begins', 'ends'));
  }
  // A power cut comes at once, and again when what came before it is done.
  log.length = 0;
  const reset = client('reset').result;
  await eventually(() => log.includes('reset begins'));
  await Promise.all([reset, client('off').result]);
  expect(log.filter((line) => line === 'off begins')).toHaveLength(2);
  expect(log.at(-1)).toBe('off ends');
});

test('a machine takes what is typed as fast as it can, and loses nothing', async () => {
  await board.close();
  const typed: Buffer[] = [];
  const input = new Writable({
    highWaterMark: 16,
    write(bytes: Buffer, _encoding, done) {
      typed.push(bytes);
      setImmediate(done);
    },
  });
  const nothing = async () => {};
  const slow: Machine = { on: nothing, off: nothing, reset: nothing, input };
  board = await startBoard(path, { make: () => slow, targetConfig: [] });
  const paste = Buffer.from(Array.from({ length: 200_000 }, (_, index) => 32 + (index % 91)));
  const socket = connect(path);
  socket.write(Buffer.concat([Buffer.from('console\n'), paste]));
  await eventually(() => typed.reduce((sum, { length }) => sum + length, 0) >= paste.length, 20_000);
  expect(Buffer.concat(typed).equals(paste)).toBe(true);
  socket.destroy();
});

test('a console that does not read holds up nobody', async () => {
  await board.close();
  let print: (bytes: Buffer) => void = () => {};
  const nothing = async () => {};
  const machine: Machine = { on: nothing, off: nothing, reset: nothing, input: new Writable() };
  board = await startBoard(path, {
    make(printer) {
      print = printer;
      return machine;
    },
    targetConfig: [],
  });
  const silent = connect(path, () => silent.write('console\n'));
  const reading = connect(path, () => reading.write('console\n'));
  let received = 0;
  reading.on('data', (data) => {
    received += data.length;
  });
  await eventually(() => {
    print(Buffer.from('x'));
    return received > 0 && silent.bytesWritten === 8;
  }, 20_000);
  const before = received;
  for (let count = 0; count < 100; count++) {
    print(Buffer.alloc(100_000));
    await eventually(() => received >= before + (count + 1) * 100_000, 20_000);
  }
  silent.destroy();
  reading.destroy();
});
