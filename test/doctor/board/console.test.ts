import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { console } from '../../../src/doctor/board/console.ts';
import type { BoardContext } from '../../../src/doctor/board/context.ts';
import { openLock, tryLock } from '../../../src/shell/lock.ts';

let home = '';
let server: net.Server;
let connections = 0;
let port = 0;

beforeEach(async () => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'doctor-'));
  connections = 0;
  server = net.createServer((socket) => {
    connections += 1;
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as net.AddressInfo);
});
afterEach(async () => {
  fs.rmSync(home, { recursive: true });
  await new Promise((resolve) => server.close(resolve));
});

async function check(settings: Readonly<Record<string, string>>, problems: readonly object[] = []) {
  const session = { home, lockDirectory: home, configPath: path.join(home, '.novaboot-shell') };
  const context = {
    session,
    name: 'b1',
    settings: new Map(Object.entries(settings)),
    problems,
  } as unknown as BoardContext;
  return await console.run(context, AbortSignal.timeout(30_000));
}

it('a console server is tried, by one connection', async () => {
  expect(await check({ console: `tcp:127.0.0.1:${port}` })).toMatchObject([
    { severity: 'ok', what: `the console server 127.0.0.1:${port} takes connections` },
  ]);
  // The server may hear of it later than the client.
  await expect.poll(() => connections, { timeout: 20_000 }).toBe(1);
});

it('but not while somebody has the board, whose connection might end by that', async () => {
  const lock = openLock(home);
  expect(tryLock(lock, home)).toBe(true);
  const found = await check({ console: `telnet:127.0.0.1:${port}` });
  fs.closeSync(lock);
  expect(found).toMatchObject([{ severity: 'ok', what: expect.stringContaining('not tried') }]);
  expect(connections).toBe(0);
});

it('a console server that refuses is an error', async () => {
  await new Promise((resolve) => server.close(resolve));
  expect(await check({ console: `rfc2217:127.0.0.1:${port}` })).toMatchObject([
    {
      severity: 'error',
      subject: 'b1',
      what: expect.stringMatching(/127\.0\.0\.1:\d+ refuses the connection/),
    },
  ]);
  server = net.createServer().listen(0);
});

it.each([
  ['/dev/no-such-tty', /is absent/],
  ['/etc/passwd', /is no device/],
])('the line %s is an error', async (device, what) => {
  expect(await check({ console: `serial:${device}` })).toMatchObject([
    { severity: 'error', what: expect.stringMatching(what) },
  ]);
});

it('a line that the account may open is in order', async () => {
  expect(await check({ console: 'serial:/dev/null' })).toMatchObject([{ severity: 'ok' }]);
});

it('what console_cmd connects to is its own', async () => {
  expect(await check({ console: `tcp:127.0.0.1:${port}`, console_cmd: 'cat' })).toEqual([]);
  expect(connections).toBe(0);
});

it('a board without console has none', async () => {
  const none = [{ severity: 'error', what: 'the board has no console' }];
  expect(await check({ power: 'x' })).toMatchObject(none);
  expect(await check({})).toMatchObject(none);
  expect(await check({ default_cmd: 'run_novaboot x' })).toEqual([]);
});

it('what it has is not known where the configuration cannot be read', async () => {
  expect(await check({}, [{ file: path.join(home, '.novaboot-shell'), message: 'no such file' }])).toEqual(
    [],
  );
});
