/** The program started as systemd does it: sockets from a unit, readiness, the end when nobody needs it. */
import { type ChildProcess, spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { define } from '../../src/system/libc.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../../bin/novaboot-nfsd.ts');
const AF_UNIX = 1;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;
const socket = define<[number, number, number]>('int socket(int domain, int type, int protocol)');
const bind = define<[number, Buffer, number]>('int bind(int fd, const void *addr, unsigned int len)');
const listen = define<[number, number]>('int listen(int fd, int backlog)');
const recv = define<[number, Buffer, number, number]>('long recv(int fd, void *buf, size_t len, int flags)');
const getsockname = define<[number, Buffer, Int32Array]>(
  'int getsockname(int fd, _Out_ void *addr, _Inout_ void *len)',
);

let home: string;
let manager: number;
let tcp: number;
let udp: number;
let port: number;
let child: ChildProcess | undefined;

/** struct sockaddr_in6 */
function anyAddress(bound: number): Buffer {
  const address = Buffer.alloc(28);
  address.writeUInt16LE(AF_INET6, 0);
  address.writeUInt16BE(bound, 2);
  return address;
}

beforeEach(() => {
  home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'nfsd-')));
  fs.mkdirSync(path.join(home, 'base/root'), { recursive: true });
  manager = socket(AF_UNIX, SOCK_DGRAM, 0);
  const name = Buffer.concat([Buffer.of(AF_UNIX, 0), Buffer.from(path.join(home, 'manager'))]);
  bind(manager, name, name.length);
  tcp = socket(AF_INET6, SOCK_STREAM, 0);
  bind(tcp, anyAddress(0), 28);
  const found = Buffer.alloc(28);
  getsockname(tcp, found, Int32Array.of(28));
  port = found.readUInt16BE(2);
  listen(tcp, 10);
  udp = socket(AF_INET6, SOCK_DGRAM, 0);
  bind(udp, anyAddress(port), 28);
});

afterEach(async () => {
  if (child && child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  for (const fd of [manager, tcp, udp]) fs.closeSync(fd);
  fs.rmSync(home, { recursive: true });
});

function start(...args: string[]): { child: ChildProcess; stderr: () => string } {
  const START = 'LISTEN_PID=$$ exec "$0" "$@"';
  const options = ['--foreground', '--allow', '127.0.0.1', '--port-file', path.join(home, 'alice.ports')];
  const directories = ['--base', path.join(home, 'base'), path.join(home, 'base/root')];
  const started = spawn(
    '/bin/sh',
    ['-c', START, process.execPath, PROGRAM, ...options, ...args, ...directories],
    {
      env: { LISTEN_FDS: '2', LISTEN_FDNAMES: 'a:b', NOTIFY_SOCKET: path.join(home, 'manager') },
      stdio: ['ignore', 'ignore', 'pipe', tcp, udp],
    },
  );
  child = started;
  let stderr = '';
  started.stderr?.on('data', (text) => {
    stderr += text;
  });
  return { child: started, stderr: () => stderr };
}

/** What the manager was told next. */
async function told(): Promise<string> {
  const buffer = Buffer.alloc(4096);
  for (const limit = Date.now() + 45_000; ; ) {
    try {
      return buffer.toString('utf8', 0, recv(manager, buffer, buffer.length, MSG_DONTWAIT));
    } catch (error) {
      if (Date.now() > limit) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

const NULL = `0000004d0000000000000002000186a30000000300000000${'00'.repeat(16)}`;
const NULL_REPLY = `0000004d00000001${'00000000'.repeat(4)}`;

async function pingTcp(): Promise<{ connection: net.Socket; reply: string }> {
  const connection = net.connect(port, '127.0.0.1');
  connection.write(Buffer.from(`80000028${NULL}`, 'hex'));
  const [reply] = (await once(connection, 'data')) as [Buffer];
  return { connection, reply: reply.toString('hex') };
}

async function pingUdp(): Promise<string> {
  const client = dgram.createSocket('udp4');
  client.send(Buffer.from(NULL, 'hex'), port, '127.0.0.1');
  const [reply] = (await once(client, 'message')) as [Buffer];
  client.close();
  return reply.toString('hex');
}

describe('started by a socket unit', () => {
  it('answers on its sockets, also who came before, and tells the manager', async () => {
    const early = pingTcp();
    const { child: server } = start();
    expect(await told()).toBe(`READY=1\nSTATUS=Serving ${home}/base/root on port ${port}`);
    const { connection, reply } = await early;
    expect(reply).toBe(`80000018${NULL_REPLY}`);
    connection.destroy();
    expect(await pingUdp()).toBe(NULL_REPLY);
    const closed = once(server, 'close');
    server.kill('SIGTERM');
    expect(await told()).toBe('STOPPING=1');
    await closed;
    expect(server.exitCode).toBe(0);
  });

  it('leaves the port file alone, and writes its status', async () => {
    const ports = path.join(home, 'alice.ports');
    fs.writeFileSync(ports, 'the unit wrote this');
    const { child: server } = start();
    await told();
    server.kill('SIGUSR1');
    while (!fs.existsSync(path.join(home, 'alice.status'))) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(JSON.parse(fs.readFileSync(path.join(home, 'alice.status'), 'utf8'))).toMatchObject({ port });
    server.kill('SIGTERM');
    await once(server, 'close');
    expect(fs.readFileSync(ports, 'utf8')).toBe('the unit wrote this');
    expect(fs.readdirSync(home).sort()).toEqual(['alice.lock', 'alice.ports', 'base', 'manager']);
  });

  it('ends when nobody needs it, not before; the sockets stay usable for the next', async () => {
    const { child: server, stderr } = start('--idle', '2');
    await told();
    const { connection } = await pingTcp();
    await new Promise((resolve) => setTimeout(resolve, 2800));
    expect(server.exitCode).toBe(null);
    const from = performance.now();
    connection.destroy();
    await once(server, 'close');
    expect(performance.now() - from).toBeGreaterThan(1900);
    expect([server.exitCode, stderr()]).toEqual([0, expect.stringContaining('<6>ending: nobody needs it\n')]);
    const { child: next } = start();
    expect(await told()).toBe('STOPPING=1');
    await told();
    const again = await pingTcp();
    expect(again.reply).toBe(`80000018${NULL_REPLY}`);
    again.connection.destroy();
    next.kill('SIGTERM');
    await once(next, 'close');
  });

  it('calls by UDP keep it too', async () => {
    const { child: server } = start('--idle', '2');
    await told();
    for (let call = 0; call < 5; call += 1) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(await pingUdp()).toBe(NULL_REPLY);
    }
    expect(server.exitCode).toBe(null);
    await once(server, 'close');
    expect(server.exitCode).toBe(0);
  });
});
