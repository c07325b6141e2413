/** A server whose user saves a root: no changes while that process has the lock of a file. */
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { getattr } from '../../src/nfs/procedures/getattr.ts';
import { mkdir } from '../../src/nfs/procedures/mkdir.ts';
import { mnt3 } from '../../src/nfs/procedures/mount.ts';
import { connectTcp, type NfsConnection } from '../support/nfs-client.ts';
import { type NfsServer, startNfsServer } from '../support/nfs-server.ts';
import { eventually } from '../support/ssh-session.ts';
import { spawnTestChild } from '../support/test-child.ts';
import { at, sattr } from './procedures/local-export.ts';

let home: string;
let server: NfsServer;
let nfs: NfsConnection;
let root: Buffer;
const file = (suffix: string) => path.join(home, `alice.${suffix}`);

beforeEach(async () => {
  home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'nfs-pause-')));
  server = await startNfsServer({ base: path.join(home, 'base'), args: ['--port-file', file('ports')] });
  nfs = await connectTcp(server.port);
  const mounted = await nfs.call(mnt3, Buffer.from(server.exportPath));
  root = 'ok' in mounted ? mounted.ok.fhandle : Buffer.alloc(0);
});
afterEach(async () => {
  nfs.close();
  await server.stop();
  fs.rmSync(home, { recursive: true });
});

/** A process that saves. */
async function save() {
  const saver = spawnTestChild(['flock', file('pause'), 'sh', '-c', 'echo held; exec cat']);
  await once(saver.stdout, 'data');
  return saver;
}

/** Its end; the lock goes with the last of its processes. */
async function end(saver: Awaited<ReturnType<typeof save>>): Promise<void> {
  const closed = once(saver, 'close');
  saver.stdin.end();
  await closed;
}

async function isPaused(): Promise<boolean> {
  fs.rmSync(file('status'), { force: true });
  process.kill(server.pid, 'SIGUSR1');
  await eventually('a status', () => fs.existsSync(file('status')));
  return JSON.parse(fs.readFileSync(file('status'), 'utf8')).paused;
}

let made = 0;
function change(): Promise<string> {
  made += 1;
  return nfs.status(mkdir, { where: at(root, `d${made}`), attributes: sattr() });
}

it('pauses from the first status on, until the lock is free', async () => {
  expect(await isPaused()).toBe(false);
  const saver = await save();
  expect(await change()).toBe('NFS3_OK');
  expect(await isPaused()).toBe(true);
  expect(await change()).toBe('NFS3ERR_JUKEBOX');
  expect(await nfs.status(getattr, { object: root })).toBe('NFS3_OK');
  await end(saver);
  await eventually('the end', async () => (await change()) === 'NFS3_OK');
  expect(await isPaused()).toBe(false);
});

it('pauses from its start on, and ends while it pauses', async () => {
  const saver = await save();
  nfs.close();
  await server.restart();
  nfs = await connectTcp(server.port);
  expect(await change()).toBe('NFS3ERR_JUKEBOX');
  const stopped = server.stop();
  expect(await stopped).toBe(0);
  await end(saver);
});

it('pauses for the next one as well', async () => {
  const first = await save();
  expect(await isPaused()).toBe(true);
  const second = spawnTestChild(['flock', file('pause'), 'sh', '-c', 'echo held; exec cat']);
  await end(first);
  await once(second.stdout, 'data');
  await eventually('the pause', isPaused);
  expect(await change()).toBe('NFS3ERR_JUKEBOX');
  await end(second);
  await eventually('the end', async () => (await change()) === 'NFS3_OK');
});
