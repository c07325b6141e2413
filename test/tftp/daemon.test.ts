/** The program itself, from its start to its end: who gets what, changes of the configuration, its processes. */
import { execFileSync, spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseStatus } from '../../src/tftp/status-file.ts';
import { eventually } from '../support/ssh-session.ts';
import { request, TftpClient } from '../support/tftp-client.ts';
import { startTftpDaemon, type TftpDaemon, type TftpDaemonOptions } from '../support/tftp-daemon.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../../bin/novaboot-tftpd.ts');
const BOARD = '[board rpi4]\naddress=127.0.0.1\n';
const OTHER = '[board other]\naddress=192.0.2.1\n';
const ABSENT = '1 File not found';

/** Each start and each change takes a process or two. */
vi.setConfig({ testTimeout: 90_000 });

let daemon: TftpDaemon | undefined;

async function start(options: Partial<TftpDaemonOptions> = {}): Promise<TftpDaemon> {
  daemon = await startTftpDaemon({
    config: BOARD,
    files: { 'rpi4/Image': 'kernel', 'public/all': 'for all', 'other/Image': 'secret' },
    ...options,
  });
  return daemon;
}

afterEach(async () => {
  await daemon?.stop();
  daemon = undefined;
});

/** @param during is awaited after the first block */
async function download(name: string, during?: () => Promise<void>): Promise<string> {
  const client = await TftpClient.open({ address: '127.0.0.1', port: daemon?.port ?? 0 });
  try {
    const { content } = await client.download(name, {}, async (block) => {
      if (block === 1) await during?.();
      return true;
    });
    return content.toString('latin1');
  } finally {
    client.close();
  }
}

function childrenOf(pid: number): number[] {
  const list = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1');
  return list.split(' ').filter(Boolean).map(Number);
}

/** Runs the program to its end. */
function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], {
    encoding: 'utf8',
    timeout: 45_000,
  });
  return { status, stdout, stderr };
}

describe('the server', () => {
  it('gives a board its files and public ones, and tells what it did', async () => {
    const { logged, stop } = await start({ config: BOARD + OTHER });
    expect(await download('Image')).toBe('kernel');
    expect(await download('/rpi4/Image')).toBe('kernel');
    expect(await download('all')).toBe('for all');
    const sha256 = execFileSync('sha256sum', { input: 'kernel', encoding: 'utf8' }).slice(0, 64);
    await logged(
      RegExp(
        `^<6>transfer client=127\\.0\\.0\\.1:\\d+ board=rpi4 file="Image" bytes=6 seconds=\\d+\\.\\d+ sha256=${sha256} retransmissions=0 result="complete"$`,
        'm',
      ),
    );
    await logged(/^<6>transfer .* board=rpi4 file="Image" /m);
    await logged(/^<6>transfer .* board=- file="all" /m);
    expect(await stop()).toBe(0);
  });

  it('has the same words for what is absent and what is not for this client', async () => {
    await start({ config: BOARD + OTHER });
    for (const name of ['absent', 'other/Image', 'other/absent', 'Image/x', 'x'.repeat(300)]) {
      await expect(download(name)).rejects.toThrow(ABSENT);
    }
  });

  it('gives what is in a tree, and nothing else', async () => {
    const { directory, logged } = await start();
    const at = (name: string) => path.join(directory, 'rpi4', name);
    fs.symlinkSync('Image', at('link'));
    fs.symlinkSync('../other/Image', at('out'));
    fs.symlinkSync('/etc/passwd', at('absolute'));
    fs.mkdirSync(at('directory'));
    fs.writeFileSync(at('unreadable'), 'x', { mode: 0 });
    execFileSync('mkfifo', [at('fifo')]);
    expect(await download('link')).toBe('kernel');
    for (const [name, message] of [
      ['out', 'A symbolic link leads out of the tree'],
      ['absolute', 'A symbolic link leads out of the tree'],
      ['directory', 'Is a directory'],
      ['fifo', 'Not a regular file'],
      ['unreadable', 'Permission denied: the server may not read it'],
      ['../other/Image', '.. in the file name'],
      ['/../../etc/passwd', '.. in the file name'],
      ['Im\nage', 'Control character in the file name'],
    ] as const) {
      await expect(download(name), name).rejects.toThrow(`2 ${message}`);
      await logged(RegExp(`^<4>transfer [^\\n]* result="${message.replace('..', '\\.\\.')}"$`, 'm'));
    }
  });

  it('answers on several addresses', async () => {
    const { log } = await start({ listen: ['127.0.0.1:0', '[::1]:0'] });
    expect(log()).toMatch(/^<6>serving on 127\.0\.0\.1:\d+ \[::1\]:\d+$/m);
  });
});

it('counts what becomes of requests, by board, through changes of the configuration', async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'tftp-status-'));
  const read = () => parseStatus(fs.readFileSync(path.join(directory, 'status'), 'utf8'));
  try {
    const { configure, logged, pid } = await start({ before: ['env', `RUNTIME_DIRECTORY=${directory}`] });
    expect(read()).toMatchObject({ pid, boards: {} });
    expect(fs.statSync(path.join(directory, 'status')).mode & 0o777).toBe(0o644);
    await download('Image');
    await expect(download('absent')).rejects.toThrow(ABSENT);
    await download('all', async () => {
      configure(`${BOARD}${OTHER}`);
      await logged(/read again/);
    });
    await download('Image');
    const { boards } = await eventually('all counts', () => {
      const status = read();
      return status?.boards.rpi4?.complete === 2 && status.boards['']?.complete === 1 && status;
    });
    expect(boards.rpi4).toMatchObject({ complete: 2, refused: 1, failed: 0, bytes: 12, retransmissions: 0 });
    expect(boards['']).toMatchObject({ complete: 1, refused: 0, failed: 0, bytes: 7 });
    expect(boards.rpi4?.seconds).toBeLessThan(60);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
});

describe('another configuration', () => {
  it('is read on SIGHUP', async () => {
    const { configure, signal, logged } = await start({ config: OTHER });
    await expect(download('Image')).rejects.toThrow(ABSENT);
    configure(OTHER + BOARD);
    signal('SIGHUP');
    await logged(/tftpd\.conf: read again, 2 boards$/m);
    expect(await download('Image')).toBe('kernel');
  });

  it('is noticed', async () => {
    const { configure, logged } = await start({ config: OTHER });
    configure(BOARD);
    await logged(/tftpd\.conf: read again, 1 boards$/m);
    expect(await download('Image')).toBe('kernel');
    expect(await download('all')).toBe('for all');
  });

  it('may be in a file beside it, which is noticed too', async () => {
    const { configFile, logged } = await start({ config: OTHER });
    fs.mkdirSync(`${configFile}.d`);
    fs.writeFileSync(`${configFile}.d/rpi4.conf`, BOARD);
    await logged(/tftpd\.conf: read again, 2 boards$/m);
    expect(await download('Image')).toBe('kernel');
    fs.rmSync(`${configFile}.d/rpi4.conf`);
    await logged(/tftpd\.conf: read again, 1 boards$/m);
    await expect(download('Image')).rejects.toThrow(ABSENT);
  });

  it('that is wrong is told in one line and changes nothing, until it is right', async () => {
    const { configure, configFile, signal, logged, log } = await start();
    configure(`${BOARD}[board twin]\naddress=127.0.0.1\n`);
    signal('SIGHUP');
    await logged(
      RegExp(
        `^<3>${configFile}:5: address: expected something else than 127\\.0\\.0\\.1, which board rpi4 has; serving as before$`,
        'm',
      ),
    );
    expect(await download('Image')).toBe('kernel');
    fs.rmSync(configFile);
    signal('SIGHUP');
    await logged(RegExp(`^<3>${configFile}: cannot be read: ENOENT; serving as before$`, 'm'));
    expect(await download('Image')).toBe('kernel');
    configure(OTHER);
    signal('SIGHUP');
    await logged(/read again, 1 boards$/m);
    await expect(download('Image')).rejects.toThrow(ABSENT);
    expect(log().match(/^<3>/gm)).toHaveLength(2);
  });

  it('has a wrong file beside it from the start: that costs its own board alone, and is told', async () => {
    const { configFile, logged, log } = await start({
      files: { 'rpi4/Image': 'kernel', '../tftpd.conf.d/twin.conf': '[board twin]\nadress=x\n' },
    });
    expect(await download('Image')).toBe('kernel');
    expect(log()).toMatch(RegExp(`^<4>${configFile}\\.d/twin\\.conf:2: adress: unknown setting, .*$`, 'm'));
    expect(log()).toMatch(/^<3>mistakes in the configuration: 1; what they concern is not served: see /m);
    expect(run('--config', configFile, '--check').status).toBe(78);
    fs.writeFileSync(`${configFile}.d/twin.conf`, '[board twin]\naddress=127.0.0.1\n');
    await logged(
      /^<4>.*twin\.conf:2: address: expected something else than 127\.0\.0\.1, which board rpi4 has/m,
    );
    await logged(/read again, 2 boards$/m);
    await expect(download('Image')).rejects.toThrow(ABSENT);
    fs.rmSync(`${configFile}.d/twin.conf`);
    await logged(/read again, 1 boards$/m);
    expect(await download('Image')).toBe('kernel');
  });

  it('without a board lets its transfers finish', async () => {
    const { configure, signal, logged, write, pid } = await start();
    const image = Array.from({ length: 1000 }, (_, line) => `line ${line}\n`).join('');
    write('rpi4/big', image);
    const [old = 0] = childrenOf(pid);
    const received = await download('big', async () => {
      configure('');
      signal('SIGHUP');
      await logged(/read again, 0 boards$/m);
      await expect(download('big')).rejects.toThrow(ABSENT);
      expect(childrenOf(pid)).toContain(old);
    });
    expect(received).toBe(image);
    await eventually('the end of the old worker', () => !childrenOf(pid).includes(old));
    expect(childrenOf(pid)).toHaveLength(1);
  });

  it('again and again does not fill the memory with transfers that never end', async () => {
    const { signal, logged, log, write, pid, port } = await start();
    write('rpi4/big', 'x'.repeat(10_000));
    const clients: TftpClient[] = [];
    try {
      for (let round = 0; round < 6; round += 1) {
        const client = await TftpClient.open({ address: '127.0.0.1', port });
        clients.push(client);
        // A client with patience of its own.
        await client.ask(request('big', { timeout: 255 }));
        signal('SIGHUP');
        await logged(/read again, 1 boards$/m);
      }
      expect(log().match(/^<4>transfers that began some changes ago are ended$/gm)).toHaveLength(2);
      // Four that finish, and the one that takes requests.
      await eventually('few workers', () => childrenOf(pid).length === 5);
    } finally {
      for (const client of clients) client.close();
    }
  });

  it('that could not be used is tried again', async () => {
    const { configure, logged, pid } = await start({ config: OTHER });
    // One descriptor is enough for the configuration, and not for a worker.
    const used = fs.readdirSync(`/proc/${pid}/fd`).map(Number);
    const [, secondFree] = Array.from({ length: 100 }, (_, fd) => fd).filter((fd) => !used.includes(fd));
    execFileSync('prlimit', ['--pid', String(pid), `--nofile=${secondFree}:`]);
    configure(OTHER + BOARD);
    await logged(/^<3>.*; serving as before$/m);
    execFileSync('prlimit', ['--pid', String(pid), '--nofile=1024:']);
    await logged(/^<6>trees or accounts have changed$/m);
    expect(await download('Image')).toBe('kernel');
  });
});

describe('a tree', () => {
  const becomes = async (content: string) => {
    await daemon?.logged(/^<6>trees or accounts have changed$/m);
    expect(await download('Image')).toBe(content);
  };

  it('that is missing is told, and served as soon as it is there', async () => {
    const { directory, write, log } = await start({ files: {} });
    expect(log()).toContain(`<4>board rpi4: ${directory}/rpi4: no such directory\n`);
    await expect(download('Image')).rejects.toThrow(ABSENT);
    write('rpi4/Image', 'late');
    await becomes('late');
  });

  it('may lie elsewhere, and be replaced by another directory or link', async () => {
    const { directory, configure, signal, logged } = await start();
    const elsewhere = path.join(directory, '../elsewhere');
    for (const name of ['one', 'two']) {
      fs.mkdirSync(path.join(elsewhere, name), { recursive: true });
      fs.writeFileSync(path.join(elsewhere, name, 'Image'), name);
    }
    fs.symlinkSync('one', path.join(elsewhere, 'current'));
    configure(`${BOARD}tree=${path.resolve(elsewhere)}/current\n`);
    signal('SIGHUP');
    await logged(/read again, 1 boards$/m);
    expect(await download('Image')).toBe('one');
    fs.symlinkSync('two', path.join(elsewhere, 'next'));
    fs.renameSync(path.join(elsewhere, 'next'), path.join(elsewhere, 'current'));
    await becomes('two');
    // A directory can take the place of an empty one.
    fs.rmSync(path.join(elsewhere, 'two/Image'));
    fs.renameSync(path.join(elsewhere, 'one'), path.join(elsewhere, 'two'));
    await becomes('one');
  });
});

describe('its processes', () => {
  it('are a supervisor and a worker that is started again when it dies', async () => {
    const { pid, logged } = await start();
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      const [worker = 0, ...rest] = childrenOf(pid);
      expect(rest).toEqual([]);
      process.kill(worker, signal);
      await logged(/^<3>the worker died \(\w+( 0)?\)$/m);
      // The socket stays, so nobody sees more than a pause.
      expect(await download('Image')).toBe('kernel');
      expect(childrenOf(pid)).not.toContain(worker);
    }
  });

  it('end together, also by SIGKILL', async () => {
    const { pid, signal, ended } = await start();
    const [worker = 0] = childrenOf(pid);
    signal('SIGKILL');
    await ended();
    await eventually('the end of the worker', () => !fs.existsSync(`/proc/${worker}`));
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('let transfers finish at %s', async (signal) => {
    const started = await start({ files: { 'rpi4/big': Buffer.alloc(2000, 'x') } });
    const received = await download('big', async () => {
      started.signal(signal);
      await started.logged(RegExp(`^<6>ending: ${signal}$`, 'm'));
    });
    expect(received).toHaveLength(2000);
    expect(await started.ended()).toBe(0);
    expect(started.log()).toContain('bytes=2000 ');
  });

  it('do not wait for long for a client that is gone, nor at all at the second signal', async () => {
    for (const signals of [1, 2]) {
      const started = await start({ files: { 'rpi4/big': Buffer.alloc(2000, 'x') } });
      const client = await TftpClient.open({ address: '127.0.0.1', port: started.port });
      await client.ask(request('big'));
      client.close();
      started.signal('SIGTERM');
      await started.logged(/^<6>ending: SIGTERM$/m);
      const from = performance.now();
      if (signals === 2) started.signal('SIGTERM');
      expect(await started.ended()).toBe(0);
      if (signals === 2) expect(performance.now() - from).toBeLessThan(1900);
      await started.stop();
    }
  });
});

describe('the command line', () => {
  it('has help and version', () => {
    expect(run('--help')).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringContaining('--listen'),
    });
    expect(run('--version')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^novaboot-tftpd \d/),
    });
  });

  it('is refused if it is wrong', () => {
    expect(run('--foo')).toEqual({
      status: 64,
      stdout: '',
      stderr: "<3>Unknown option '--foo' (see --help)\n",
    });
  });

  it('checks the configuration', async () => {
    const { configFile, configure, directory } = await start();
    expect(run('--config', configFile, '--check')).toEqual({ status: 0, stdout: '', stderr: '' });
    configure(`${BOARD}${OTHER}serial=x\n[board away]\n`);
    const wrong = run('--config', configFile, '--check');
    expect(wrong).toMatchObject({ status: 78, stdout: '' });
    expect(wrong.stderr).toBe(
      `${configFile}:6: serial: expected the 8 or 16 hexadecimal digits of the serial number of a Raspberry Pi\n`,
    );
    configure('[board away]\n');
    expect(run('--config', configFile, '--check')).toMatchObject({
      status: 78,
      stderr: `board away: ${directory}/away: no such directory\n`,
    });
  });

  it('does not start what cannot work', async () => {
    const none = run('--config', '/nonexistent', '--listen', '127.0.0.1:0');
    expect(none).toMatchObject({ status: 78, stderr: '<3>/nonexistent: cannot be read: ENOENT\n' });
    const occupant = dgram.createSocket('udp4').bind(0, '127.0.0.1');
    await once(occupant, 'listening');
    const taken = `127.0.0.1:${occupant.address().port}`;
    const { configFile } = await start();
    expect(run('--config', configFile, '--listen', taken)).toMatchObject({
      status: 1,
      stderr: `<3>${taken} is in use by another program\n`,
    });
    occupant.close();
    expect(run('--config', configFile, '--listen', '192.0.2.1:0')).toMatchObject({
      status: 1,
      stderr: '<3>192.0.2.1:0 is no address of this machine\n',
    });
  });
});
