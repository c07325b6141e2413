/** What is seen of boards, with homes of our own, real locks, and real NFS servers. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Account } from '../../../src/admin/account.ts';
import { ageOf, type BoardState, Look } from '../../../src/admin/state/board-state.ts';
import { askServers } from '../../../src/admin/state/nfs-figures.ts';
import { journalPath, openJournal, powerRecord } from '../../../src/shell/journal.ts';
import { noteWait } from '../../../src/shell/waits.ts';
import { flock, LOCK_EX } from '../../../src/system/descriptors.ts';
import { call, record } from '../../nfs/rpc/rpc-calls.ts';
import { eventually } from '../../support/ssh-session.ts';

const NFSD = path.resolve(import.meta.dirname, '../../../bin/novaboot-nfsd.ts');
const FREE = { holder: null, waiters: [], keep: null, nfs: [], problem: null };

let account: Account;
let home: string;
let children: ChildProcess[];

beforeEach(() => {
  // With user attributes, which NFS servers need.
  home = fs.mkdtempSync(path.join(os.homedir(), 'board-state-'));
  const { uid, gid } = os.userInfo();
  account = { name: 'board', uid, gid, gecos: '', home, shell: '' };
  children = [];
});

afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  fs.rmSync(home, { recursive: true });
});

const look = () => new Look().board(account);

function lockedBy(identity: string, ...before: string[]): ChildProcess {
  const [file = '', ...args] = [...before, 'flock', '--no-fork', home, 'sleep', '1000'];
  const child = spawn(file, args, { env: { PATH: process.env.PATH, NOVABOOT_ID: identity } });
  children.push(child);
  return child;
}

async function until(wanted: (state: BoardState) => boolean): Promise<BoardState> {
  let state = look();
  await eventually('a change', () => {
    state = look();
    return wanted(state);
  });
  return state;
}

it('sees who has a board, who waits for it, and since when', async () => {
  expect(look()).toMatchObject(FREE);
  lockedBy('alice 2026-11-21_10:00:00 laptop');
  await until(({ holder }) => holder !== null);
  lockedBy('bob 2026-11-21_11:00:00 \u001b[31mhost');
  await until(({ waiters }) => waiters.length === 1);
  lockedBy('');
  const state = await until(({ waiters }) => waiters.length === 2);
  expect(state.holder).toMatchObject({ user: 'alice', since: '2026-11-21_10:00:00', from: 'laptop' });
  expect(state.waiters.map(({ user }) => user).sort()).toEqual(['?', 'bob']);
  expect(state.waiters.find(({ user }) => user === 'bob')?.from).toBe('?[31mhost');
  for (const waiter of state.waiters) expect(ageOf(waiter)).toBeLessThan(60);
});

it('remembers power, and waits that ended', () => {
  openJournal(home);
  const time = '2026-11-21T10:00:00.123Z';
  fs.appendFileSync(
    journalPath(home),
    `${powerRecord('alice', '1.2')},"time":"${time}","action":"on","status":0}\n`,
  );
  noteWait(home, 2.5);
  noteWait(home, 1);
  expect(look()).toMatchObject({
    power: { state: 'on', since: time, user: 'alice' },
    waits: { count: 2, seconds: 3.5 },
  });
});

async function startServer(user: string): Promise<ChildProcess> {
  const base = path.join(home, 'nfsroot', user);
  const state = path.join(home, '.cache/unfsd');
  for (const directory of [path.join(base, 'root'), state]) fs.mkdirSync(directory, { recursive: true });
  const options = ['--foreground', '--allow', '127.0.0.1', '--port', '0', '--base', base];
  const files = ['--port-file', path.join(state, `${user}.ports`), path.join(base, 'root')];
  const child = spawn(process.execPath, [NFSD, ...options, ...files], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  children.push(child);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
}

it('sees NFS servers and their clients, and asks them', async () => {
  const child = await startServer('alice');
  const unfsd = path.join(home, '.cache/unfsd');
  const idle = net.createServer().listen(0);
  await once(idle, 'listening');
  const { port } = idle.address() as net.AddressInfo;
  fs.writeFileSync(path.join(unfsd, 'idle.lock'), '');
  fs.writeFileSync(path.join(unfsd, 'idle.ports'), `NFS_TCP=${port}\n`);
  fs.writeFileSync(path.join(unfsd, 'stopped.lock'), '');
  fs.writeFileSync(path.join(unfsd, 'stopped.ports'), 'NFS_TCP=1\n');
  fs.writeFileSync(path.join(unfsd, '.no user.lock'), '');
  const [alice] = look().nfs;
  const client = net.connect(alice?.port ?? 0, '127.0.0.1');
  await once(client, 'connect');
  client.write(record(call({ program: 100003, version: 3, procedure: 0 })));
  await once(client, 'data');

  const { nfs } = look();
  expect(nfs).toMatchObject([
    { user: 'alice', state: 'running', pid: child.pid, clients: 1, bytes: null },
    { user: 'idle', state: 'idle', pid: null, port, clients: 0 },
    { user: 'stopped', state: 'stopped', pid: null, port: null },
  ]);
  const figures = await askServers(nfs.map((server) => ({ account, server })));
  expect(figures).toMatchObject([{ board: 'board', user: 'alice', status: { operations: { NULL: 1 } } }]);
  const seconds = figures[0]?.status.operationSeconds?.NULL;
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThan(10);
  client.destroy();
  idle.close();
}, 60_000);

it('signals nothing that is not the account’s own, and does not wait for who does not answer', async () => {
  const unfsd = path.join(home, '.cache/unfsd');
  fs.mkdirSync(unfsd, { recursive: true });
  // A canary: SIGUSR1 would end it.
  const canary = spawn('flock', ['--no-fork', path.join(unfsd, 'eve.lock'), 'sleep', '1000']);
  children.push(canary);
  const { nfs } = await until(({ nfs }) => nfs[0]?.state === 'running');
  const other = { ...account, uid: account.uid + 1 };
  expect(await askServers(nfs.map((server) => ({ account: other, server })))).toEqual([]);
  expect([canary.exitCode, canary.signalCode]).toEqual([null, null]);
  expect(look().nfs[0]?.pid).toBe(canary.pid);
});

it('is kept by nothing that lies in a home', () => {
  const make = (name: string) => {
    fs.mkdirSync(path.dirname(path.join(home, name)), { recursive: true });
    expect(spawnSync('mkfifo', [path.join(home, name)]).status).toBe(0);
  };
  for (const name of ['journal', 'keep', 'waits']) make(`.local/state/novaboot/${name}`);
  for (const name of ['a.lock', 'a.ports', 'a.usage']) make(`.cache/unfsd/${name}`);
  fs.symlinkSync('/dev/zero', path.join(home, '.cache/unfsd/b.ports'));
  fs.symlinkSync('/etc/passwd', path.join(home, '.cache/unfsd/b.lock'));
  fs.symlinkSync('b.lock', path.join(home, '.cache/unfsd/c.lock'));
  const state = look();
  expect(state).toMatchObject({ ...FREE, nfs: [{ user: 'a' }, { user: 'b' }, { user: 'c' }] });
  for (const server of state.nfs) expect(server).toMatchObject({ state: 'stopped', port: null, bytes: null });
});

it('says why a home cannot be looked at', () => {
  const gone = { ...account, home: path.join(home, 'gone') };
  expect(new Look().board(gone).problem).toBe(`${gone.home}: no such file or directory`);
});

it('leaves no descriptor open', () => {
  fs.mkdirSync(path.join(home, '.cache/unfsd'), { recursive: true });
  for (const name of ['a', 'b']) fs.writeFileSync(path.join(home, `.cache/unfsd/${name}.lock`), '');
  const count = () => fs.readdirSync('/proc/self/fd').length;
  const fd = fs.openSync(home, 'r');
  flock(fd, LOCK_EX);
  look();
  const before = count();
  for (let round = 0; round < 5; round += 1) expect(look().holder?.pid).toBe(process.pid);
  expect(count()).toBe(before);
  fs.closeSync(fd);
});
