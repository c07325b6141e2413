import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findFreePort, isFree } from '../../src/shell/free-port.ts';
import { nfsPlace } from '../../src/shell/nfs-place.ts';
import { parseDropIn, rememberedPort, rememberPort, takenPorts } from '../../src/shell/nfs-port.ts';
import { servedPort } from '../../src/shell/nfs-running.ts';

let home: string;
beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'nfs-port-'));
});
afterEach(() => fs.rmSync(home, { recursive: true }));

/** A TCP server on any port. */
async function listen(): Promise<{ server: net.Server; port: number }> {
  const server = net.createServer().listen(0);
  await once(server, 'listening');
  return { server, port: (server.address() as net.AddressInfo).port };
}

describe('the drop-in', () => {
  it.each([
    ['[Socket]\nListenStream=2049\nListenDatagram=2049\n', 2049],
    ['# a\n[Unit]\nListenStream=1\n[Socket]\n ListenStream = 20490 \n', 20490],
    ['[Socket]\nListenStream=1025\nListenStream=\nListenStream=[::]:1026\n', 1026],
    ['[Socket]\nListenStream=127.0.0.1:1027\n', 1027],
    ['', undefined],
    ['ListenStream=2049\n', undefined],
    ['[Socket]\nListenStream=\n', undefined],
    ['[Socket]\nListenStream=70000\n', undefined],
    ['[Socket]\nListenStream=/run/socket\n', undefined],
  ])('%j has the port %j', (text, port) => expect(parseDropIn(text)).toBe(port));

  it('remembers the port, of each user', () => {
    const [alice, bob] = [nfsPlace(home, 'alice'), nfsPlace(home, 'bob')];
    for (const { dropInDirectory } of [alice, bob]) fs.mkdirSync(dropInDirectory, { recursive: true });
    expect(rememberedPort(alice)).toBe(undefined);
    rememberPort(alice, 2000);
    rememberPort(bob, 3000);
    rememberPort(bob, 3001);
    expect(rememberedPort(alice)).toBe(2000);
    expect(takenPorts(home)).toEqual(new Set([2000, 3001]));
    expect(fs.readdirSync(alice.dropInDirectory)).toEqual(['port.conf']);
  });
});

describe('a port is free', () => {
  it('unless somebody has it, by any protocol and address', async () => {
    const { server, port } = await listen();
    expect(await isFree(port)).toBe(false);
    server.close();
    expect(await isFree(port)).toBe(true);
    for (const [type, address] of [
      ['udp4', '127.0.0.1'],
      ['udp6', '::1'],
    ] as const) {
      const socket = createSocket(type).bind(port, address);
      await once(socket, 'listening');
      expect(await isFree(port)).toBe(false);
      socket.close();
    }
    expect(await isFree(port)).toBe(true);
  });

  it('and is found below the ephemeral ones, the same for the same seed, past those that are taken', async () => {
    const first = Number(fs.readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split('\t')[0]);
    const port = (await findFreePort('seed', new Set())) ?? 0;
    expect(port).toBeGreaterThanOrEqual(1024);
    expect(port).toBeLessThan(first);
    expect(await findFreePort('seed', new Set())).toBe(port);
    expect(await findFreePort('seed', new Set([port]))).not.toBe(port);
  });
});

describe('the served port', () => {
  it('is what the port file says, where somebody of this account listens', async () => {
    const place = nfsPlace(home, 'alice');
    const { server, port } = await listen();
    fs.mkdirSync(place.dropInDirectory, { recursive: true });
    fs.mkdirSync(path.dirname(place.portFile), { recursive: true });
    expect(servedPort(place)).toBe(undefined);
    rememberPort(place, port);
    expect(servedPort(place)).toBe(undefined);
    fs.writeFileSync(place.portFile, `NFS_UDP=${port}\nNFS_TCP=${port}\n`);
    expect(servedPort(place)).toBe(port);
    fs.writeFileSync(place.portFile, `NFS_UDP=${port}\nNFS_TCP=${port - 1}\n`);
    expect(servedPort(place)).toBe(undefined);
    fs.writeFileSync(place.portFile, `NFS_UDP=${port}\nNFS_TCP=${port}\n`);
    server.close();
    expect(servedPort(place)).toBe(undefined);
  });
});
