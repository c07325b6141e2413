/** A server whose user shares the board with others. */
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { getattr } from '../../src/nfs/procedures/getattr.ts';
import { exportProcedure, mnt3 } from '../../src/nfs/procedures/mount.ts';
import { nullProcedure } from '../../src/nfs/procedures/null.ts';
import { formatLease, LEASE, leaseDirectory } from '../../src/system/lease.ts';
import { openProcess, processIdentity } from '../../src/system/pidfd.ts';
import { connectTcp, connectUdp, type NfsConnection } from '../support/nfs-client.ts';
import { type NfsServer, startNfsServer } from '../support/nfs-server.ts';
import { eventually } from '../support/ssh-session.ts';
import { spawnTestChild } from '../support/test-child.ts';

const HOLDER = new URL('./lease-holder.ts', import.meta.url).pathname;

let home: string;
let server: NfsServer;
let nfs: NfsConnection;
let root: Buffer;
const holders: ReturnType<typeof spawnTestChild>[] = [];
const lease = () => path.join(leaseDirectory(home), LEASE);
const ports = () => path.join(home, 'state/alice.ports');

beforeAll(async () => {
  home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'nfs-lease-')));
  fs.writeFileSync(path.join(home, '.novaboot-nfs'), '');
  fs.mkdirSync(leaseDirectory(home), { recursive: true });
  server = await startNfsServer({
    base: path.join(home, 'nfsroot/alice'),
    args: ['--board', home, '--user', 'alice', '--port-file', ports()],
  });
  nfs = await connectTcp(server.port);
  const mounted = await nfs.call(mnt3, Buffer.from(server.exportPath));
  root = 'ok' in mounted ? mounted.ok.fhandle : Buffer.alloc(0);
});
afterEach(async () => {
  for (const holder of holders.splice(0)) await leave(holder);
  await becomes('NFS3_OK');
});
afterAll(async () => {
  nfs?.close();
  await server?.stop();
  fs.rmSync(home, { recursive: true });
});

async function restart(): Promise<void> {
  nfs.close();
  await server.restart();
  nfs = await connectTcp(server.port);
}

/** Somebody gets the board, at once or when it is free. */
async function hold(user: string, { waits = false } = {}) {
  const holder = spawnTestChild([process.execPath, HOLDER, home, user]);
  holders.push(holder);
  const held = once(holder.stdout, 'data');
  if (!waits) await held;
  return holder;
}

async function leave(holder: ReturnType<typeof spawnTestChild>): Promise<void> {
  if (holder.signalCode !== null) return;
  const closed = once(holder, 'close');
  holder.kill('SIGKILL');
  await closed;
}

const status = () => nfs.status(getattr, { object: root });
const becomes = (wanted: string) => eventually(wanted, async () => (await status()) === wanted);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** It stays so, although the server had time to look. */
async function stays(wanted: string): Promise<void> {
  for (let look = 0; look < 6; look += 1) {
    expect(await status()).toBe(wanted);
    await pause(50);
  }
}

/** What a process of that number would publish. */
function write(pid: number, user: string, identity?: string): void {
  const pidfd = openProcess(pid) ?? -1;
  const text = formatLease({ pid, user, identity: identity ?? processIdentity(pidfd) });
  fs.closeSync(pidfd);
  fs.writeFileSync(`${lease()}.new`, text);
  fs.renameSync(`${lease()}.new`, lease());
}

async function toldStatus() {
  const file = ports().replace('.ports', '.status');
  fs.rmSync(file, { force: true });
  process.kill(server.pid, 'SIGUSR1');
  await eventually('a status', () => fs.existsSync(file));
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}

it('puts calls off while another user has the board, however that ends', async () => {
  await becomes('NFS3_OK');
  for (const user of ['bob', 'carol']) {
    const holder = await hold(user);
    await becomes('NFS3ERR_JUKEBOX');
    await nfs.call(nullProcedure, undefined);
    await nfs.call(exportProcedure, undefined);
    await leave(holder);
    await becomes('NFS3_OK');
  }
});

it('answers its own user', async () => {
  const holder = await hold('alice');
  await stays('NFS3_OK');
  await leave(holder);
  await stays('NFS3_OK');
});

it('one without a name is somebody else', async () => {
  const holder = await hold('?');
  await becomes('NFS3ERR_JUKEBOX');
  expect((await toldStatus()).putOff).toMatchObject({ holder: '?' });
  await leave(holder);
  await becomes('NFS3_OK');
});

it('says in its status who has the board, since when, and how many calls were put off', async () => {
  expect((await toldStatus()).putOff).toBeNull();
  const before = Date.now();
  const holder = await hold('bob');
  await becomes('NFS3ERR_JUKEBOX');
  await Promise.all([status(), status()]);
  const { putOff } = await toldStatus();
  expect(putOff).toMatchObject({ holder: 'bob' });
  expect(putOff.calls).toBeGreaterThanOrEqual(3);
  expect(Date.parse(putOff.since)).toBeGreaterThanOrEqual(before);
  await leave(holder);
  await becomes('NFS3_OK');
  expect((await toldStatus()).putOff).toBeNull();
});

it.each([['tcp', connectTcp] as const, ['udp', connectUdp] as const])(
  'leaves a MNT over %s unanswered until the board is free',
  async (_, connect) => {
    const holder = await hold('bob');
    await becomes('NFS3ERR_JUKEBOX');
    const client = await connect(server.port);
    let answered = false;
    const mounting = client.call(mnt3, Buffer.from(server.exportPath)).finally(() => {
      answered = true;
    });
    await pause(300);
    expect(answered).toBe(false);
    await leave(holder);
    expect(await mounting).toMatchObject({ status: 0 });
    client.close();
    const journal = fs.readFileSync(ports().replace('.ports', '.journal'), 'utf8').trimEnd().split('\n');
    expect(journal.slice(-2).map((line) => JSON.parse(line))).toMatchObject([
      { event: 'mount', status: 'put-off', holder: 'bob' },
      { event: 'mount', status: 'MNT3_OK' },
    ]);
  },
);

it('goes on putting off when the board passes from one to the next', async () => {
  const bob = await hold('bob');
  await hold('carol', { waits: true });
  await becomes('NFS3ERR_JUKEBOX');
  await leave(bob);
  await eventually('carol', async () => (await toldStatus()).putOff?.holder === 'carol');
  await stays('NFS3ERR_JUKEBOX');
});

it('starts put off while another user has the board', async () => {
  await hold('bob');
  await becomes('NFS3ERR_JUKEBOX');
  await restart();
  expect(await status()).toBe('NFS3ERR_JUKEBOX');
  await leave(holders[0] as (typeof holders)[number]);
  await becomes('NFS3_OK');
});

it('does not believe a file of a process that lacks the lock', async () => {
  write(process.pid, 'bob');
  await stays('NFS3_OK');
  // Nor one with a number that was used again.
  const holder = await hold('alice');
  write(holder.pid ?? 0, 'bob', '17');
  await stays('NFS3_OK');
  write(process.pid, 'bob');
  await stays('NFS3_OK');
});

it('makes nothing of what is no lease', async () => {
  const texts = ['', 'bob', '0 0 bob\n', '4194305 1 bob\n', '9999999999 1 bob\n', '-1 1 bob\n'];
  for (const text of [...texts, `1 1 ${'b'.repeat(10_000)}\n`]) {
    fs.writeFileSync(lease(), text);
    await pause(20);
    expect(await status(), text).toBe('NFS3_OK');
  }
  await hold('bob');
  await becomes('NFS3ERR_JUKEBOX');
});

it('believes who has the board rather than what is written later, or not at all', async () => {
  const holder = await hold('bob');
  await becomes('NFS3ERR_JUKEBOX');
  fs.rmSync(lease());
  await stays('NFS3ERR_JUKEBOX');
  write(process.pid, 'alice');
  await stays('NFS3ERR_JUKEBOX');
  fs.rmSync(leaseDirectory(home), { recursive: true });
  await stays('NFS3ERR_JUKEBOX');
  await leave(holder);
  await becomes('NFS3_OK');
  fs.mkdirSync(leaseDirectory(home));
  await restart();
});

it('misses nothing when more happens in the directory than the kernel keeps for it', async () => {
  process.kill(server.pid, 'SIGSTOP');
  const most = Number(fs.readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'));
  const other = path.join(leaseDirectory(home), 'other');
  for (let event = 0; event < most; event += 2) {
    fs.writeFileSync(other, '');
    fs.rmSync(other);
  }
  await hold('bob');
  process.kill(server.pid, 'SIGCONT');
  await becomes('NFS3ERR_JUKEBOX');
});

it('does not start without the directory, and says so', async () => {
  const options = { base: path.join(home, 'nfsroot/alice'), args: ['--board', home, '--user', 'alice'] };
  fs.rmSync(leaseDirectory(home), { recursive: true });
  await expect(startNfsServer(options)).rejects.toThrow(leaseDirectory(home));
  fs.mkdirSync(leaseDirectory(home));
  await restart();
});
