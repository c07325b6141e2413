/** A board with a real U-Boot, through its socket: serial line, power, reset, network. The tests go on from each other. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Board, startBoard } from '../../../src/demo/board/board.ts';
import { missingPackages, virtualMachine } from '../../../src/demo/board/virtual-machine.ts';
import { SerialLine } from '../../../src/demo/boot/serial-line.ts';
import { startTftpServer, type TftpServer } from '../../../src/demo/tftp-server.ts';

const TFTPD = resolve(import.meta.dirname, '../../../dist/novaboot-tftpd');
/** For one step of U-Boot, on a machine with other things to do. */
const SECONDS = 60;
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const AUTOBOOT = /Hit any key to stop autoboot:/;
const PROMPT = /\n=> $/;

const directory = mkdtempSync(join(tmpdir(), 'novaboot-virtual-board-'));
const socketPath = join(directory, 'board.sock');
const tree = join(directory, 'tftproot');
let tftp: TftpServer;
let board: Board;
let line: SerialLine;

async function attach(): Promise<Socket> {
  const socket = connect(socketPath);
  await once(socket, 'connect');
  socket.on('error', () => {});
  socket.write('console\n');
  return socket;
}

async function request(command: 'on' | 'off' | 'reset'): Promise<void> {
  const socket = connect(socketPath);
  socket.write(`${command}\n`);
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  expect(answer).toBe('ok\n');
}

function see(pattern: RegExp): Promise<string> {
  return line.expect({ name: String(pattern), pattern, seconds: SECONDS });
}

async function stopAutoboot(): Promise<void> {
  await see(AUTOBOOT);
  line.type('\r');
  await see(PROMPT);
}

/** Types a line at the prompt. @returns what U-Boot says to it */
async function uboot(command: string): Promise<string> {
  line.type(`${command}\r`);
  const answer = await see(PROMPT);
  return answer.slice(answer.indexOf('\n') + 1).replaceAll('\r', '');
}

beforeAll(async () => {
  expect(missingPackages()).toEqual([]);
  expect(existsSync(TFTPD), 'npm run build').toBe(true);
  mkdirSync(tree);
  tftp = await startTftpServer(TFTPD, { directory, home: directory });
  board = await startBoard(socketPath, virtualMachine({ tftpPort: tftp.port, home: directory }));
  const socket = await attach();
  line = new SerialLine(socket, socket);
});
afterAll(async () => {
  await board?.close();
  await tftp?.close();
  rmSync(directory, { recursive: true });
});

test('without a key, U-Boot ends at its prompt, for there is nothing to boot', async () => {
  await request('on');
  expect(await see(AUTOBOOT)).toMatch(/U-Boot \d{4}\.[\s\S]*DRAM: +512 MiB/);
  expect(await see(PROMPT)).toMatch(/2 .*1 .*0 \r\nThere is nothing to boot/);
});

test('a reset while U-Boot counts down, and a key', async () => {
  await request('reset');
  await see(AUTOBOOT);
  await request('reset');
  await stopAutoboot();
  expect(await uboot('printenv serverip bootdelay')).toBe('serverip=10.0.2.2\nbootdelay=2\n=> ');
});

test('switched on again, it goes on', async () => {
  await uboot('setenv mark here');
  await request('on');
  expect(await uboot('printenv mark')).toBe('mark=here\n=> ');
});

test('its files come from our TFTP server', async () => {
  const kernel = randomBytes(5_000_000);
  writeFileSync(join(tree, 'Image'), kernel);
  expect(await uboot('dhcp')).toContain('DHCP client bound to address 10.0.2.15');
  expect(await uboot('ping 10.0.2.2')).toContain('host 10.0.2.2 is alive');
  expect(await uboot('tftpboot 0x40400000 Image')).toContain(`Bytes transferred = ${kernel.length} `);
  const sum = crc32(kernel).toString(16).padStart(8, '0');
  expect(await uboot('crc32 $fileaddr $filesize')).toMatch(`==> ${sum}\n`);
  expect(await uboot('tftpboot 0x40400000 absent')).toContain("TFTP error: 'File not found' (1)");
});

test('a reset while a file is on its way', async () => {
  writeFileSync(join(tree, 'large'), Buffer.alloc(50_000_000));
  await uboot('setenv tftpwindowsize 1');
  line.type('tftpboot 0x40400000 large\r');
  await see(/Loading: .*#/);
  await request('reset');
  await stopAutoboot();
  // What is left of the old transfer doesn't harm the new one.
  await uboot('dhcp');
  expect(await uboot('tftpboot 0x40400000 Image')).toContain('Bytes transferred = 5000000 ');
});

test('more packets at once than U-Boot has room for', async () => {
  await uboot('setenv tftpwindowsize 64');
  const answer = await uboot('tftpboot 0x40400000 Image');
  expect(answer).toContain('Bytes transferred = 5000000 ');
  await uboot('setenv tftpwindowsize 16');
});

test('a large paste and a long answer arrive whole', async () => {
  const value = (index: number) => 'abcdefghij'.repeat(1 + (index % 20));
  const names = Array.from({ length: 100 }, (_, index) => `v${index}`);
  line.type(names.map((name, index) => `setenv ${name} ${value(index)}\r`).join(''));
  line.type('echo that is \\all\r');
  await see(/\nthat is all\r\n=> $/);
  const variables = (await uboot('printenv')).split('\n');
  for (const [index, name] of names.entries()) expect(variables).toContain(`${name}=${value(index)}`);
  const dump = await uboot('md.b 0x40400000 8000');
  const addresses = [...dump.matchAll(/^([0-9a-f]{8}):/gm)].map(([, address = '']) => address);
  const wanted = Array.from({ length: 0x800 }, (_, index) => (0x40400000 + 16 * index).toString(16));
  expect(addresses).toEqual(wanted);
});

test('power cut and back: the console stays, and what is typed in between is lost', async () => {
  await request('off');
  await request('off');
  line.type('nobody hears this');
  await request('on');
  expect(await see(AUTOBOOT)).not.toContain('nobody');
  line.type('\r');
  await see(PROMPT);
  expect(await uboot('printenv mark')).toContain('"mark" not defined');
});

test('switched off by itself, it can be switched on', async () => {
  line.type('poweroff\r');
  await see(/poweroff \.\.\./);
  // Until QEMU has ended, it is on: nothing happens.
  let booted = false;
  const boot = see(AUTOBOOT).then(() => {
    booted = true;
  });
  while (!booted)
    await Promise.all([request('on'), Promise.race([boot, new Promise((next) => setTimeout(next, 100))])]);
  line.type('\r');
  await see(PROMPT);
});

test('a second console sees the same', async () => {
  const socket = await attach();
  const second = new SerialLine(socket, socket);
  second.type('echo from the sec\\ond\r');
  const pattern = /from the second\r\n=> $/;
  await Promise.all([see(pattern), second.expect({ name: 'it', pattern, seconds: SECONDS })]);
  socket.destroy();
});
