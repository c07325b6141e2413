/** scripts/debian-packages.sh and scripts/kernel.sh where the network fails them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';

const SCRIPTS = path.resolve(import.meta.dirname, '../../../scripts');
let directory: string;

/** A clone of the repository in which nothing was fetched. */
beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'fetch-'));
  fs.cpSync(SCRIPTS, path.join(directory, 'scripts'), { recursive: true });
});
afterAll(() => fs.rmSync(directory, { recursive: true }));

/** @param proxy HOST:PORT of what apt takes for the network */
function fetchKernel(proxy: string): ChildProcess {
  return spawn('sh', ['scripts/kernel.sh', 'board'], {
    cwd: directory,
    env: { PATH: process.env.PATH, http_proxy: `http://${proxy}`, https_proxy: `http://${proxy}` },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, for Ctrl-C
    detached: true,
  });
}

function cached(): string[] {
  return fs.readdirSync(path.join(directory, 'node_modules/.cache'));
}

test('without a network one line says why, and nothing stays', async () => {
  const child = fetchKernel('127.0.0.1:9');
  const said = text(child.stderr as NodeJS.ReadableStream);
  const [status] = await once(child, 'close');
  const lines = (await said).trim().split('\n');
  expect(lines).toEqual([
    'novaboot: fetching Debian packages (arm64): linux-image-cloud-arm64 busybox-static',
    expect.stringMatching(/^novaboot: cannot fetch Debian packages \(arm64\): [^:]+: .*127\.0\.0\.1/),
  ]);
  expect(status).toBe(69);
  expect(cached()).toEqual([]);
});

test('an end in the middle leaves nothing', async () => {
  const server = net.createServer((socket) => socket.on('error', () => {}));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const asked = once(server, 'connection');
  const child = fetchKernel(`127.0.0.1:${(server.address() as net.AddressInfo).port}`);
  const closed = once(child, 'close');
  const [socket] = (await asked) as [net.Socket];
  expect(cached()).toHaveLength(1);
  process.kill(-(child.pid ?? 0), 'SIGINT');
  expect(await closed).toEqual([1, null]);
  expect(cached()).toEqual([]);
  socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});
