/** Consoles behind a console server: Debian's ser2net as it is, and servers that do as they please. */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { findFreePort } from '../../src/shell/free-port.ts';
import { Terminal } from '../demo/terminal.ts';
import {
  ByteProcess,
  type ConsolePorts,
  type ConsoleServer,
  serialBoard,
  startConsoleServer,
} from '../support/console-board.ts';
import { eventually } from '../support/ssh-session.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../../dist/novaboot-console');
const CONNECTED = 'novaboot-shell: Connected\n';
const IAC = 255;
const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

let directory: string;
let device: string;
let board: ByteProcess;
let ports: ConsolePorts;
let server: ConsoleServer;
const running: ByteProcess[] = [];
const servers: net.Server[] = [];

async function listen(onConnection: (socket: net.Socket) => void): Promise<number> {
  const listening = net.createServer((socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
  servers.push(listening);
  await once(listening.listen(0, '127.0.0.1'), 'listening');
  return (listening.address() as net.AddressInfo).port;
}

function startConsole(spec: string): ByteProcess {
  const started = new ByteProcess([PROGRAM, 'line', spec], { PATH: process.env.PATH, HOME: directory });
  running.push(started);
  return started;
}

async function connected(spec: string): Promise<ByteProcess> {
  const started = startConsole(spec);
  await started.see(CONNECTED);
  return started;
}

async function refusal(spec: string): Promise<{ status: unknown; output: string; said: string }> {
  const refused = startConsole(spec);
  const status = await refused.exited;
  return { status, output: refused.text, said: refused.stderr };
}

/** The server takes them later: by then an outgoing connection could have one of the kernel's choice. */
async function freePorts(): Promise<ConsolePorts> {
  const taken = new Set<number>();
  const next = async () => {
    const port = (await findFreePort(directory, taken)) ?? 0;
    taken.add(port);
    return port;
  };
  return { tcp: await next(), telnet: await next(), rfc2217: await next() };
}

beforeAll(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-console-'));
  device = path.join(directory, 'ttyBOARD');
  board = await serialBoard(device);
  ports = await freePorts();
  server = await startConsoleServer(directory, device, ports);
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.end()));
  for (const one of servers.splice(0)) one.close();
});
afterAll(async () => {
  await server?.stop();
  await board?.end();
  fs.rmSync(directory, { recursive: true, force: true });
});

test.each(['tcp', 'telnet', 'rfc2217'] as const)('ser2net by %s: every byte, both ways', async (kind) => {
  const user = await connected(`${kind}:127.0.0.1:${ports[kind]}`);
  // Until the server and its line are ready, by the server's own time.
  user.type('?');
  const before = await eventually('ser2net', () => board.text.endsWith('?') && board.output.length);
  user.type(EVERY_BYTE);
  await eventually('all bytes', () => board.output.length >= before + 256);
  expect(board.output.subarray(before)).toEqual(EVERY_BYTE);
  board.type(EVERY_BYTE);
  await eventually('all bytes', () => user.output.length >= CONNECTED.length + 256);
  expect(user.output.subarray(CONNECTED.length)).toEqual(EVERY_BYTE);
});

test.each(['telnet', 'rfc2217'] as const)('ser2net by %s: a break reaches the line', async (kind) => {
  const breaks = () => server.trace().match(/TIOCSBRK|TCSBRKP?\b/g)?.length ?? 0;
  const before = breaks();
  const terminal = new Terminal([PROGRAM, 'line', `${kind}:127.0.0.1:${ports[kind]}`], directory);
  await terminal.seen('sends a break\r\n');
  const already = board.output.length;
  terminal.type('?');
  await eventually('ser2net', () => board.output.length > already);
  terminal.type('\x1db');
  await terminal.seen('novaboot-shell: Break sent\r\n');
  await eventually('the break', () => breaks() > before);
  terminal.type('\x1dq');
  await terminal.exited;
});

test('ser2net by RFC 2217: the line is set', async () => {
  await connected(`rfc2217:127.0.0.1:${ports.rfc2217},57600n82`);
  expect(server.trace()).toMatch(/TCSETS2?W?F?, .*B57600.*CSTOPB/);
});

test('RFC 2217: what the line does not take is told', async () => {
  const port = await listen((socket) => {
    socket.resume();
    // DO COM-PORT-OPTION; the speed is 9600
    socket.write(Buffer.of(IAC, 253, 44, IAC, 250, 44, 101, 0, 0, 0x25, 0x80, IAC, 240));
  });
  expect(await refusal(`rfc2217:127.0.0.1:${port},115200n8`)).toEqual({
    status: 78,
    output: '',
    said: `novaboot-shell: 127.0.0.1:${port} does not take the speed of console\n`,
  });
});

test('RFC 2217: while the server has not answered, nothing begins, and a signal ends it', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const port = await listen((socket) => socket.once('data', () => resolve()));
  const user = startConsole(`rfc2217:127.0.0.1:${port}`);
  await promise;
  await user.end('SIGTERM');
  expect(await user.exited).toBe(143);
  expect(user.text).toBe('');
});

test('RFC 2217 asked of a server that speaks Telnet only', async () => {
  expect(await refusal(`rfc2217:127.0.0.1:${ports.telnet}`)).toMatchObject({
    status: 78,
    output: '',
    said: expect.stringMatching(/^novaboot-shell: \S+ does not speak RFC 2217; use telnet:HOST:PORT\n$/),
  });
});

test('nobody listens', async () => {
  const { tcp } = await freePorts();
  expect(await refusal(`tcp:127.0.0.1:${tcp}`)).toEqual({
    status: 1,
    output: '',
    said: `novaboot-shell: 127.0.0.1:${tcp} refuses the connection; is the console server running, and the port right?\n`,
  });
});

test.each(['tcp', 'telnet'])('%s: the server ends the connection', async (kind) => {
  const port = await listen((socket) => socket.end('Port already in use\r\n'));
  const user = startConsole(`${kind}:127.0.0.1:${port}`);
  expect(await user.exited).toBe(1);
  expect(user.text).toBe(`${CONNECTED}Port already in use\r\n`);
  expect(user.stderr).toMatch(
    /^novaboot-shell: \S+ is gone; did somebody else connect to the console server, /,
  );
});

test('a plain TCP connection has no break', async () => {
  const port = await listen((socket) => socket.resume());
  const terminal = new Terminal([PROGRAM, 'line', `tcp:127.0.0.1:${port}`], directory);
  await terminal.seen('sends a break\r\n');
  terminal.type('\x1db');
  await terminal.seen('novaboot-shell: a plain TCP connection cannot carry a break');
  terminal.type('\x1dq');
  expect(await terminal.exited).toEqual([0, null]);
});

test('a server that negotiates without end and takes no answer', async () => {
  const { promise, resolve } = Promise.withResolvers<net.Socket>();
  const port = await listen((socket) => resolve(socket.pause()));
  const user = startConsole(`telnet:127.0.0.1:${port}`);
  const socket = await promise;
  const demands = Buffer.alloc(3 * 100_000);
  for (let at = 0; at < demands.length; at += 3) demands.set([IAC, 253, 24], at);
  let sent = 0;
  const flood = () => {
    while (sent < 100 && socket.write(demands)) sent += 1;
  };
  socket.on('drain', flood);
  flood();
  await user.see(CONNECTED);
  await eventually('a stop', async () => {
    const before = socket.bytesWritten - socket.writableLength;
    await new Promise((wait) => setTimeout(wait, 200));
    return socket.bytesWritten - socket.writableLength === before && socket.writableLength > 0;
  });
  const memory = /^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${user.child.pid}/status`, 'latin1'));
  expect(Number(memory?.[1])).toBeLessThan(150_000);
  await user.end('SIGTERM');
  expect(await user.exited).toBe(143);
});
