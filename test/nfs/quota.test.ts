/** A server with a quota: what clients see, its figures for others, and its sudden end. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { commit } from '../../src/nfs/procedures/commit.ts';
import { create } from '../../src/nfs/procedures/create.ts';
import { fsstat } from '../../src/nfs/procedures/fsstat.ts';
import { lookup } from '../../src/nfs/procedures/lookup.ts';
import { mnt3 } from '../../src/nfs/procedures/mount.ts';
import { write } from '../../src/nfs/procedures/write.ts';
import { measure } from '../../src/rootfs/measure.ts';
import { connectTcp, type NfsConnection } from '../support/nfs-client.ts';
import { type NfsServer, startNfsServer } from '../support/nfs-server.ts';
import { eventually } from '../support/ssh-session.ts';
import { at, sattr } from './procedures/local-export.ts';

const QUOTA = 4 * 1024 * 1024;
const UNSTABLE = 0 as const;

let home: string;
let server: NfsServer;
let nfs: NfsConnection;
let root: Buffer;
const file = (suffix: string) => path.join(home, `alice.${suffix}`);
const record = () => JSON.parse(fs.readFileSync(file('usage'), 'utf8'));

async function connect(): Promise<void> {
  nfs = await connectTcp(server.port);
  const mounted = await nfs.call(mnt3, Buffer.from(server.exportPath));
  root = 'ok' in mounted ? mounted.ok.fhandle : Buffer.alloc(0);
}

async function start(...args: string[]): Promise<void> {
  server = await startNfsServer({
    base: path.join(home, 'base'),
    args: [...args, '--port-file', file('ports')],
  });
  await connect();
}

beforeEach(() => {
  home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'nfs-quota-')));
});
afterEach(async () => {
  nfs.close();
  await server.stop();
  fs.rmSync(home, { recursive: true });
});

async function handleOf(name: string): Promise<Buffer> {
  const made = await nfs.call(create, { where: at(root, name), how: { kind: 0, value: sattr() } });
  if (!('ok' in made)) throw new Error(`${name} cannot be made`);
  const found = await nfs.call(lookup, { what: at(root, name) });
  return 'ok' in found ? found.ok.object : Buffer.alloc(0);
}

const writing = (handle: Buffer, offset: number, length: number) => ({
  ...{ file: handle, offset, count: length, stable: UNSTABLE, data: Buffer.alloc(length, 1) },
});

/** Writes until nothing more fits. @returns bytes */
async function fill(handle: Buffer): Promise<number> {
  let offset = 0;
  for (;;) {
    const result = await nfs.call(write, writing(handle, offset, 300_000));
    if (!('ok' in result)) return offset;
    offset += result.ok.count;
  }
}

async function usage() {
  fs.rmSync(file('status'), { force: true });
  process.kill(server.pid, 'SIGUSR1');
  await eventually('a status', () => fs.existsSync(file('status')));
  return JSON.parse(fs.readFileSync(file('status'), 'utf8')).usage;
}

it('writes what fits, refuses the rest, and shows it in FSSTAT and in its status', async () => {
  await start('--quota', '4M', '--max-files', '5');
  await eventually('the first walk', () => record().dirty === 0);
  const handle = await handleOf('file');
  expect(await fill(handle)).toBeGreaterThan(QUOTA - 100_000);
  expect(await nfs.status(write, writing(handle, QUOTA, 1))).toBe('NFS3ERR_DQUOT');
  expect(await nfs.status(write, writing(handle, 0, 100_000))).toBe('NFS3_OK');
  expect(measure(server.base).bytes).toBe(QUOTA);
  expect(await nfs.call(fsstat, { fsroot: root })).toMatchObject({
    ok: { tbytes: QUOTA, fbytes: 0, abytes: 0, tfiles: 5, ffiles: 2, afiles: 2 },
  });
  expect(await usage()).toMatchObject({
    ...{ used: { bytes: QUOTA, files: 3 }, replaced: { bytes: 0, files: 0 } },
    limits: { bytes: QUOTA, files: 5 },
  });
});

it('finds its figures again after kill -9', async () => {
  await start('--quota', '4M');
  await eventually('the first walk', () => record().dirty === 0);
  const handle = await handleOf('file');
  await nfs.call(write, writing(handle, 0, 1_000_000));
  await nfs.call(commit, { file: handle, offset: 0, count: 0 });
  nfs.close();
  await server.kill();
  // The last changes may not be in the file, which tells that a server kept it.
  expect(record().served).toBe(true);
  await server.restart();
  await connect();
  await eventually('a walk', () => record().dirty === 0);
  expect((await usage()).used).toEqual(measure(server.base));
  await fill(await handleOf('other'));
  expect(measure(server.base).bytes).toBe(QUOTA);
});

it('keeps no figures without a quota, and drops those of former times', async () => {
  fs.writeFileSync(file('usage'), '{}');
  await start('--quota', '0');
  expect(fs.existsSync(file('usage'))).toBe(false);
  expect(await usage()).toBeNull();
  expect(await nfs.status(write, writing(await handleOf('file'), 0, 500_000))).toBe('NFS3_OK');
});

it('keeps them for itself without a port file', async () => {
  server = await startNfsServer({ base: path.join(home, 'base'), args: ['--quota', '1M'] });
  await connect();
  const { bytes } = measure(server.base);
  await eventually('the first walk', async () => {
    const answer = await nfs.call(fsstat, { fsroot: root });
    return 'ok' in answer && answer.ok.fbytes === 1024 * 1024 - bytes;
  });
  const handle = await handleOf('file');
  await fill(handle);
  expect(await nfs.status(write, writing(handle, 2_000_000, 1))).toBe('NFS3ERR_DQUOT');
  expect(measure(server.base).bytes).toBe(1024 * 1024);
});
