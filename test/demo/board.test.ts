import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { type Board, startBoard } from '../../src/demo/board.ts';
import { spawnInTerminal } from '../../src/system/pty.ts';
import { PROGRAM, type Running, run } from './demo-server.ts';

const state = mkdtempSync(join(tmpdir(), 'novaboot-board-'));
const path = join(state, 'board.sock');
let board: Board;
beforeEach(async () => {
  board = await startBoard(path);
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
