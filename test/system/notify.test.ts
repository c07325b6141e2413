import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { define } from '../../src/system/libc.ts';
import { notifier, passedSockets } from '../../src/system/notify.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;
const socket = define<[number, number, number]>('int socket(int domain, int type, int protocol)');
const bind = define<[number, Buffer, number]>('int bind(int fd, const void *addr, unsigned int len)');
const recv = define<[number, Buffer, number, number]>('long recv(int fd, void *buf, size_t len, int flags)');

let directory: string;
beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'notify-'));
});
afterAll(() => fs.rmSync(directory, { recursive: true }));

/** A service manager's socket. */
function listen(name: string): number {
  const fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  const address = Buffer.concat([Buffer.of(AF_UNIX, 0), Buffer.from(name.replace(/^@/, '\0'))]);
  bind(fd, address, address.length);
  return fd;
}

function receive(fd: number): string {
  const buffer = Buffer.alloc(4096);
  return buffer.toString('utf8', 0, recv(fd, buffer, buffer.length, MSG_DONTWAIT));
}

describe('notifier', () => {
  it.each([
    ['a path', () => path.join(directory, 'socket')],
    ['an abstract name', () => `@notify-${process.pid}`],
  ])('tells %s', (_name, address) => {
    const fd = listen(address());
    const notify = notifier(address());
    notify('READY=1\nSTATUS=Ünïcode');
    notify('STOPPING=1');
    expect(receive(fd)).toBe('READY=1\nSTATUS=Ünïcode');
    expect(receive(fd)).toBe('STOPPING=1');
    fs.closeSync(fd);
  });

  it('a manager that does not listen, or has no address, is no error', () => {
    for (const name of [undefined, '', '/', '@', 'relative', '/missing/socket', `/${'x'.repeat(200)}`]) {
      expect(() => notifier(name)('READY=1')).not.toThrow();
    }
  });

  it('leaves no descriptor open', () => {
    const before = fs.readdirSync('/proc/self/fd').length;
    const notify = notifier('/missing/socket');
    for (let count = 0; count < 50; count += 1) notify('READY=1');
    expect(fs.readdirSync('/proc/self/fd').length).toBeLessThan(before + 10);
  });
});

describe('passedSockets', () => {
  const module = path.resolve(import.meta.dirname, '../../src/system/notify.ts');
  const script = `const { passedSockets } = await import(${JSON.stringify(module)});
    console.log(JSON.stringify(passedSockets(process.env)));`;
  // The shell becomes Node, so that its pid is the one that the variable names.
  const START = 'LISTEN_PID=$$ exec "$0" --input-type=module --eval "$1"';

  async function run(
    fds: readonly number[],
    env: NodeJS.ProcessEnv,
  ): Promise<{ out: string; error: string }> {
    const child = spawn('/bin/sh', ['-c', START, process.execPath, script], {
      env,
      stdio: ['ignore', 'pipe', 'pipe', ...fds],
    });
    let [out, error] = ['', ''];
    child.stdout?.on('data', (text) => {
      out += text;
    });
    child.stderr?.on('data', (text) => {
      error += text;
    });
    await once(child, 'close');
    return { out, error };
  }

  it('tells TCP from UDP', async () => {
    const tcp = net.createServer().listen(0, '127.0.0.1');
    const udp = dgram.createSocket('udp4').bind(0, '127.0.0.1');
    await Promise.all([once(tcp, 'listening'), once(udp, 'listening')]);
    const fdOf = (owner: object) => {
      const symbol = Object.getOwnPropertySymbols(owner).find(
        ({ description }) => description === 'state symbol',
      );
      const state = symbol ? (owner as Record<symbol, { handle: { fd: number } }>)[symbol] : undefined;
      return state?.handle.fd ?? (owner as { _handle: { fd: number } })._handle.fd;
    };
    const fds = [fdOf(udp), fdOf(tcp)];
    const { out, error } = await run(fds, { LISTEN_FDS: '2', LISTEN_FDNAMES: 'datagrams:' });
    tcp.close();
    udp.close();
    expect(error).toBe('');
    expect(JSON.parse(out)).toEqual([
      { fd: 3, type: 'udp', name: 'datagrams' },
      { fd: 4, type: 'tcp', name: 'unknown' },
    ]);
  });

  it('refuses what is no socket', async () => {
    const file = fs.openSync('/dev/null', 'r');
    const { error } = await run([file], { LISTEN_FDS: '1' });
    fs.closeSync(file);
    expect(error).toContain('ENOTSOCK');
  });

  it('takes none that are for another process, or none at all', () => {
    expect(passedSockets({})).toEqual([]);
    expect(passedSockets({ LISTEN_PID: '1', LISTEN_FDS: '1' })).toEqual([]);
    for (const count of ['0', '-1', 'x', '1e3', '99999'])
      expect(passedSockets({ LISTEN_PID: String(process.pid), LISTEN_FDS: count })).toEqual([]);
  });
});
