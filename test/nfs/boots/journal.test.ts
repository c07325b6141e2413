/** What is written down of boards that boot: by a server, and beyond what a test's client can bring about. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { BootJournal } from '../../../src/nfs/boots/journal.ts';
import { lookup } from '../../../src/nfs/procedures/lookup.ts';
import { mnt1, mnt3 } from '../../../src/nfs/procedures/mount.ts';
import { nullProcedure } from '../../../src/nfs/procedures/null.ts';
import { read } from '../../../src/nfs/procedures/read.ts';
import type { BootRecord } from '../../../src/system/boot-records.ts';
import { connectTcp, type NfsConnection } from '../../support/nfs-client.ts';
import { type NfsServer, startNfsServer } from '../../support/nfs-server.ts';
import { eventually } from '../../support/ssh-session.ts';
import { at, localExport } from '../procedures/local-export.ts';

let file: string;

/** The records, without what all have. */
function told(): object[] {
  if (!fs.existsSync(file)) return [];
  const lines = fs.readFileSync(file, 'utf8').split(/\n(?!$)/);
  return lines.map((line) => {
    const { version, time, ...record } = JSON.parse(line) as BootRecord;
    expect(version).toBe(1);
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    return record;
  });
}

const client = '127.0.0.1';

describe('the server', () => {
  let directory: string;
  let server: NfsServer;
  let nfs: NfsConnection;

  beforeAll(async () => {
    directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'boot-journal-')));
    const ports = path.join(directory, 'alice.ports');
    server = await startNfsServer({ base: path.join(directory, 'base'), args: ['--port-file', ports] });
    nfs = await connectTcp(server.port);
  });
  beforeEach(() => {
    file = path.join(directory, 'alice.journal');
  });
  // Somebody may remove it at any time.
  afterEach(() => fs.rmSync(file, { force: true }));
  afterAll(async () => {
    nfs?.close();
    await server?.stop();
    fs.rmSync(directory, { recursive: true });
  });

  const here = (name: string) => path.join(server.exportPath, name);
  const mount = (below = '') => nfs.call(mnt3, Buffer.from(`${server.exportPath}${below}`));

  async function readAll(name: string): Promise<void> {
    const mounted = await mount();
    if (!('ok' in mounted)) throw new Error(`MNT: ${mounted.status}`);
    let handle = mounted.ok.fhandle;
    for (const each of name.split('/')) {
      handle = (await nfs.ok(lookup, { what: at(handle, each) })).object;
    }
    for (let count = 0; count < 2; count += 1) await nfs.ok(read, { file: handle, offset: 0, count: 100 });
  }

  it('tells of mounts in vain, and of a root without a first program', async () => {
    fs.writeFileSync(here('file'), '');
    await mount();
    await mount('/ab\u{e9}sent\n');
    await mount('/file');
    await nfs.call(mnt3, Buffer.from('/wrong'));
    await nfs.call(mnt1, Buffer.from('x'.repeat(1000)));
    const mounted = (name: string, status: string) => ({ event: 'mount', client, path: name, status });
    expect(told()).toEqual([
      { ...mounted(server.exportPath, 'MNT3_OK'), init: null },
      mounted(`${server.exportPath}/ab\\xc3\\xa9sent\\x0a`, 'MNT3ERR_NOENT'),
      mounted(`${server.exportPath}/file`, 'MNT3ERR_NOTDIR'),
      mounted('/wrong', 'MNT3ERR_NOENT'),
      mounted(`${'x'.repeat(255)}...`, 'MNT3ERR_NOENT'),
    ]);
  });

  it('tells of a boot: mounted, first read, init read', async () => {
    for (const name of ['sbin', 'bin', 'etc']) fs.mkdirSync(here(name));
    fs.writeFileSync(here('bin/busybox'), 'init');
    fs.writeFileSync(here('etc/hostname'), 'board');
    fs.symlinkSync('../bin/busybox', here('sbin/init'));
    await readAll('bin/busybox');
    const mounted = {
      event: 'mount',
      client,
      path: server.exportPath,
      status: 'MNT3_OK',
      init: '/sbin/init',
    };
    const init = { event: 'init-read', client, path: '/sbin/init' };
    const first = (name: string) => ({ event: 'first-read', client, path: name });
    expect(told()).toEqual([mounted, first('/bin/busybox'), init]);
    await readAll('etc/hostname');
    expect(told().slice(3)).toEqual([mounted, first('/etc/hostname')]);
    await readAll('bin/busybox');
    expect(told().slice(5)).toEqual([mounted, first('/bin/busybox'), init]);
    expect(fs.statSync(file).mode).toBe(0o100600);
  });

  it('tells of clients that may not connect, each once a minute', async () => {
    const stranger = '127.0.0.2';
    for (let count = 0; count < 3; count += 1) {
      const socket = net.connect({ port: server.port, host: client, localAddress: stranger });
      await once(socket, 'close');
    }
    const refused = { event: 'refused', client: stranger, reason: 'not an allowed client' };
    expect(told()).toEqual([refused]);
    const udp = dgram.createSocket('udp4');
    udp.bind(0, '127.0.0.3');
    await once(udp, 'listening');
    for (let count = 0; count < 3; count += 1) udp.send('call', server.port, client);
    await eventually('a record', () => told().length > 1);
    await nfs.call(nullProcedure, undefined);
    udp.close();
    expect(told()).toEqual([refused, { ...refused, client: '127.0.0.3' }]);
  });

  it('tells of versions that it does not speak, each once a minute', async () => {
    // RFC 5531 §9: xid, call, RPC version; program, version, procedure; AUTH_NONE twice.
    const call = (xid: number, program: number, version: number) => {
      const words = [xid, 0, 2, program, version, 0, 0, 0, 0, 0];
      const message = Buffer.alloc(4 + 4 * words.length);
      message.writeUInt32BE(0x8000_0000 + 4 * words.length);
      for (const [index, word] of words.entries()) message.writeUInt32BE(word, 4 + 4 * index);
      nfs.send(message);
      return nfs.reply(xid);
    };
    let xid = 1;
    for (const [program, version] of [
      [100003, 2],
      [100003, 4],
      [100005, 2],
      [100000, 2],
      [100003, 3],
    ] as const) {
      xid += 1;
      await call(xid, program, version);
    }
    expect(told()).toEqual([
      { event: 'version', client, program: 'nfs', asked: 2 },
      { event: 'version', client, program: 'mount', asked: 2 },
    ]);
  });
});

describe('the journal of boots', () => {
  async function open() {
    const local = await localExport();
    file = path.join(local.path, '../alice.journal');
    fs.mkdirSync(path.join(local.path, 'sbin'));
    for (const name of ['sbin/init', 'other']) fs.writeFileSync(path.join(local.path, name), '');
    fs.mkdirSync(path.join(local.path, '../beside'));
    const { vfs } = local;
    const journal = new BootJournal({ file, vfs, log: vi.fn(), holder: () => 'b\nob' });
    onTestFinished(() => journal.close());
    const inode = (name: string) => {
      const names = name.split('/');
      const root = { uid: 0, gid: 0, groups: [] };
      return names.reduce((above, each) => vfs.lookup(root, above, Buffer.from(each)), vfs.root);
    };
    const mount = (who: string) => journal.mount(who, Buffer.from(local.path), 'MNT3_OK', vfs.root);
    const events = () => told().map((record) => Object.values(record).slice(0, 2).join(' '));
    return { journal, mount, inode, events, vfs };
  }

  it('waits for reads of those who have mounted, until init is read', async () => {
    const { journal, mount, inode, events } = await open();
    expect(journal.areReading).toBe(false);
    mount('a');
    mount('b');
    expect(journal.areReading).toBe(true);
    journal.read('c', inode('sbin/init'));
    journal.read('a', inode('sbin/init'));
    expect(journal.areReading).toBe(true);
    journal.read('a', inode('sbin/init'));
    journal.read('b', inode('other'));
    journal.read('b', inode('other'));
    expect(journal.areReading).toBe(true);
    journal.read('b', inode('sbin/init'));
    expect(journal.areReading).toBe(false);
    expect(events()).toEqual([
      ...['mount a', 'mount b', 'first-read a', 'init-read a', 'first-read b', 'init-read b'],
    ]);
  });

  it('waits for one read only where there is no init', async () => {
    const { journal, inode, events, vfs } = await open();
    const sbin = vfs.lookup({ uid: 0, gid: 0, groups: [] }, vfs.root, Buffer.from('sbin'));
    journal.mount('a', Buffer.from('/'), 'MNT3_OK', sbin);
    // Of what it ran before.
    journal.read('a', inode('other'));
    expect(journal.areReading).toBe(true);
    journal.read('a', inode('sbin/init'));
    expect(journal.areReading).toBe(false);
    expect(events()).toEqual(['mount a', 'first-read a']);
    expect(told().at(-1)).toMatchObject({ path: '/init' });
  });

  it('does not wait for ever, nor for anybody', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { journal, mount, inode } = await open();
    const timers = vi.getTimerCount();
    mount('a');
    vi.advanceTimersByTime(300_000);
    mount('a');
    vi.advanceTimersByTime(599_999);
    expect(journal.areReading).toBe(true);
    vi.advanceTimersByTime(1);
    expect(journal.areReading).toBe(false);
    for (let count = 0; count < 257; count += 1) mount(`c${count}`);
    const before = told().length;
    journal.read('c0', inode('other'));
    expect(told()).toHaveLength(before);
    journal.read('c1', inode('other'));
    expect(told()).toHaveLength(before + 1);
    journal.close();
    expect(journal.areReading).toBe(false);
    expect(vi.getTimerCount()).toBe(timers);
  });

  it('names who has the board', async () => {
    const { journal } = await open();
    journal.mount('a', Buffer.from('/'), 'put-off');
    expect(told()).toEqual([
      { event: 'mount', client: 'a', path: '/', status: 'put-off', holder: 'b\\x0aob' },
    ]);
    expect(journal.areReading).toBe(false);
  });

  it('repeats what is refused after a minute', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { journal } = await open();
    for (const who of ['a', 'b', 'a']) journal.refused(who, 'why');
    expect(told()).toHaveLength(2);
    vi.advanceTimersByTime(60_000);
    journal.refused('a', 'why');
    expect(told()).toHaveLength(3);
    for (let count = 0; count < 2000; count += 1) journal.refused(`${count}`, 'why');
    expect(told()).toHaveLength(2 + 300);
  });
});
