/** The journals of boards: which has what, and that no trouble with them is any of the boards'. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TftpRecord } from '../../src/system/boot-records.ts';
import { getAttribute } from '../../src/system/extended-attributes.ts';
import { type Acl, parseKernelAcl } from '../../src/tar/acl.ts';
import { BoardJournals } from '../../src/tftp/board-journals.ts';
import { Boards } from '../../src/tftp/boards.ts';
import type { TransferReport } from '../../src/tftp/server.ts';
import { asRoot } from '../support/debian-tree.ts';
import { eventually } from '../support/ssh-session.ts';
import { error, request, TftpClient } from '../support/tftp-client.ts';
import { startTftpDaemon, type TftpDaemon } from '../support/tftp-daemon.ts';

let directory: string;
beforeEach(() => {
  directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'journals-')));
  fs.chmodSync(directory, 0o711);
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

const fileOf = (board: string) => path.join(directory, `${board}.journal`);

function recordsOf(board: string): TftpRecord[] {
  const lines = fs.readFileSync(fileOf(board), 'utf8').split('\n');
  expect(lines.pop()).toBe('');
  return lines.map((line) => JSON.parse(line));
}

/** Who may read it besides its owner. */
function namedIn(file: string): Acl['named'] {
  const fd = fs.openSync(file, 'r');
  const value = Buffer.alloc(200);
  const length = getAttribute(fd, Buffer.from('system.posix_acl_access\0'), value);
  fs.closeSync(fd);
  return length < 0 ? [] : parseKernelAcl(value.subarray(0, length)).named;
}

const board = (name: string, more: object = {}) => ({
  ...{ name, addresses: [], prefixes: [], tree: `/srv/${name}`, isPublic: false },
  ...more,
});
const boards = new Boards(
  [
    board('rpi4', { addresses: ['192.0.2.1', 'fd00::1'], prefixes: ['9a8b7c6d'] }),
    board('other', { addresses: ['192.0.2.2'], tree: undefined }),
    board('open', { isPublic: true }),
  ],
  '/srv/public',
);
const refused: TransferReport = {
  client: { address: '192.0.2.1', port: 1024 },
  name: Buffer.from('Image'),
  file: undefined,
  ...{ bytes: 0, seconds: 0, sha256: undefined, retransmissions: 0 },
  ...{ outcome: 'refused', result: 'File not found' },
};

describe('a record', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.setSystemTime(new Date('2026-11-21T10:00:01.357Z'));
  });
  afterEach(() => vi.useRealTimers());

  const report = (changes: Partial<TransferReport>) =>
    new BoardJournals({ directory, boards, log: vi.fn() }).report({ ...refused, ...changes });

  it('is of a transfer that is over, with the time of its request', () => {
    report({
      file: { fd: 9, size: 5, board: 'rpi4', path: 'boot/Image' },
      ...{ bytes: 5, seconds: 1.2344, sha256: 'abcd', retransmissions: 1 },
      ...{ outcome: 'complete', result: 'complete' },
    });
    expect(fs.readFileSync(fileOf('rpi4'), 'latin1')).toBe(
      '{"version":1,"event":"tftp","time":"2026-11-21T10:00:00.122Z","client":"192.0.2.1:1024","file":"boot/Image",' +
        '"bytes":5,"seconds":1.234,"retransmissions":1,"outcome":"complete","result":"complete"}\n',
    );
  });

  it.each([
    ['192.0.2.1', 'Image', 'rpi4', 'Image'],
    ['192.0.2.1', '/rpi4//boot/./Image', 'rpi4', 'boot/Image'],
    ['192.0.2.1', '9A8B7C6D/start4.elf', 'rpi4', 'start4.elf'],
    ['192.0.2.1', 'other/Image', 'rpi4', 'other/Image'],
    ['192.0.2.1', '', 'rpi4', ''],
    ['192.0.2.1', '../secret', 'rpi4', '../secret'],
    ['192.0.2.1', 'a\nb\xff\\', 'rpi4', 'a\\x0ab\\xff\\\\'],
    ['192.0.2.1', 'x'.repeat(400), 'rpi4', `${'x'.repeat(255)}...`],
    ['192.0.2.2', 'Image', 'other', 'Image'],
    ['192.0.2.9', '9a8b7c6d/start4.elf', 'rpi4', 'start4.elf'],
  ])('of %s, that asked for %j, is in the journal of %s', (address, name, whose, file) => {
    report({ client: { address, port: 1024 }, name: Buffer.from(name, 'latin1') });
    expect(fs.readdirSync(directory)).toEqual([`${whose}.journal`]);
    const [record] = recordsOf(whose);
    expect(record).toMatchObject({ client: `${address}:1024`, file, outcome: 'refused' });
    expect(record).not.toHaveProperty('stranger');
  });

  it.each([
    ['rpi4/Image', 'rpi4'],
    ['open/Image', 'open'],
  ])('tells that a stranger asked for %s', (name, whose) => {
    report({ client: { address: 'fd00::9', port: 1024 }, name: Buffer.from(name) });
    expect(recordsOf(whose)).toMatchObject([{ client: '[fd00::9]:1024', stranger: true, file: 'Image' }]);
  });

  it.each(['Image', '../rpi4/x', 'nobody/rpi4', ''])(
    'is nowhere, for a stranger who asked for %j',
    (name) => {
      report({ client: { address: '192.0.2.9', port: 1024 }, name: Buffer.from(name) });
      expect(fs.readdirSync(directory)).toEqual([]);
    },
  );

  it('has room, whatever strangers and missing files take', () => {
    const journals = new BoardJournals({ directory, boards, log: vi.fn() });
    const stranger = { address: '192.0.2.9', port: 1024 };
    for (let count = 0; count < 500; count += 1) {
      journals.report({ ...refused, client: stranger, name: Buffer.from('rpi4/x') });
      journals.report(refused);
    }
    journals.report({ ...refused, outcome: 'complete', result: 'complete' });
    expect(recordsOf('rpi4')).toHaveLength(306);
    expect(recordsOf('rpi4').at(-1)).toMatchObject({ outcome: 'complete' });
  });

  it('may be read by an account; where it cannot be, this is told', () => {
    const uid = 12_345;
    const journalsOf = (reader: number) => {
      const log = vi.fn();
      const readable = new Boards([board('rpi4', { addresses: ['192.0.2.1'], reader })], undefined);
      new BoardJournals({ directory, boards: readable, log }).report(refused);
      return { log, named: namedIn(fileOf('rpi4')) };
    };
    expect(journalsOf(process.getuid?.() ?? -1).named).toEqual([]);
    const { log, named } = journalsOf(uid);
    expect(named).toEqual([{ kind: 'user', id: uid, access: 4 }]);
    expect(log).not.toHaveBeenCalled();
    expect(journalsOf(0xffff_ffff).log.mock.calls).toEqual([
      ['warning', `${fileOf('rpi4')}: its account cannot read it: EINVAL`],
    ]);
    expect(recordsOf('rpi4')).toHaveLength(3);
  });
});

/** Each start takes a process or two. */
describe('the server', { timeout: 90_000 }, () => {
  let daemon: TftpDaemon | undefined;
  afterEach(async () => {
    await daemon?.stop();
    daemon = undefined;
  });

  const FILES = { 'nobody/Image': 'kernel', 'public/all': 'for all' };
  const BOARD = '[board nobody]\naddress=127.0.0.1\n';

  async function download(name: string): Promise<string> {
    const client = await TftpClient.open({ address: '127.0.0.1', port: daemon?.port ?? 0 });
    try {
      return (await client.download(name)).content.toString('latin1');
    } finally {
      client.close();
    }
  }

  it('writes down what a board got, what it lacked, and what broke off', async () => {
    daemon = await startTftpDaemon({ config: `journal=${directory}\n${BOARD}`, files: FILES });
    expect(await download('Image')).toBe('kernel');
    expect(await download('all')).toBe('for all');
    await expect(download('nobody/dtb')).rejects.toThrow('File not found');
    const client = await TftpClient.open({ address: '127.0.0.1', port: daemon.port });
    const { port } = await client.ask(request('Image', { blksize: 8 }));
    client.send(error(8, 'no'), port);
    const records = await eventually('the record of the last', () => {
      const all = recordsOf('nobody');
      return all.length === 4 && all;
    });
    client.close();
    // A record comes when the last packet of the transfer has come: that of another one may be first.
    expect(records).toHaveLength(4);
    for (const record of [
      { file: 'Image', bytes: 6, outcome: 'complete', result: 'complete' },
      { file: 'all', bytes: 7, outcome: 'complete', result: 'complete' },
      { file: 'dtb', bytes: 0, seconds: 0, outcome: 'refused', result: 'File not found' },
      { file: 'Image', bytes: 0, outcome: 'failed', result: 'the client sent error 8: no' },
    ]) {
      expect(records).toContainEqual(expect.objectContaining(record));
    }
    const uid = Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' }));
    expect(namedIn(fileOf('nobody'))).toEqual([{ kind: 'user', id: uid, access: 4 }]);
  });

  it('serves where there is no journal, or no good place for one, and says so', async () => {
    fs.chmodSync(directory, 0o777);
    daemon = await startTftpDaemon({ config: `journal=${directory}\n${BOARD}`, files: FILES });
    expect(daemon.log()).toContain(`<4>journal: ${directory}: others may write to it\n`);
    expect(await download('Image')).toBe('kernel');
    expect(fs.readdirSync(directory)).toEqual([]);
    fs.chmodSync(directory, 0o711);
    await eventually('a journal', async () => {
      await download('Image');
      return fs.readdirSync(directory).includes('nobody.journal');
    });
  });

  it('lets an account read that is made later', async () => {
    const accounts = path.join(directory, 'passwd');
    const journals = path.join(directory, 'journals');
    fs.mkdirSync(journals, { mode: 0o711 });
    fs.copyFileSync('/etc/passwd', accounts);
    const script = 'mount --bind "$1" /etc/passwd; shift; exec "$@"';
    daemon = await startTftpDaemon({
      before: [...asRoot, 'unshare', '--mount', '/bin/sh', '-ec', script, 'sh', accounts],
      config: `journal=${journals}\n[board later]\naddress=127.0.0.1\n`,
      files: { 'later/Image': 'kernel' },
    });
    const journal = path.join(journals, 'later.journal');
    expect(await download('Image')).toBe('kernel');
    await eventually('a journal', () => fs.existsSync(journal));
    expect(namedIn(journal)).toEqual([]);
    fs.appendFileSync(accounts, 'later:x:12345:12345::/nonexistent:/usr/sbin/nologin\n');
    await eventually('the permission to read', async () => {
      await download('Image');
      return namedIn(journal)[0]?.id === 12_345;
    });
  });

  it('serves on when the disk is full', async () => {
    const script = 'mount -t tmpfs -o size=4k,mode=711 tmpfs "$1"; shift; exec "$@"';
    daemon = await startTftpDaemon({
      before: ['unshare', '--user', '--map-root-user', '--mount', '/bin/sh', '-ec', script, 'sh', directory],
      // Without an account, which has no number here.
      config: `journal=${directory}\n[board no.account]\naddress=127.0.0.1\n`,
      files: { 'no.account/Image': 'kernel' },
    });
    for (let count = 0; count < 40; count += 1) expect(await download('Image')).toBe('kernel');
    expect(daemon.log().match(/^<4>.*$/gm)).toEqual([
      expect.stringMatching(/^<4>\S+no\.account\.journal: (no room for a whole line|ENOSPC.*)$/),
    ]);
  });
});
