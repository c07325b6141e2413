/** The program itself, from its start to its end. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { flockRecords } from '../../src/system/proc.ts';
import { startNfsServer } from '../support/nfs-server.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../../bin/novaboot-nfsd.ts');
const WAIT_MS = 45_000;

let home: string;
let base: string;
let exported: string;
let ports: string;
const started: ChildProcess[] = [];

beforeEach(() => {
  home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'nfsd-')));
  base = path.join(home, 'base');
  exported = path.join(base, 'root');
  ports = path.join(home, 'cache/alice.ports');
  fs.mkdirSync(exported, { recursive: true });
});

afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
  }
  const pid = lockHolder();
  if (pid !== undefined) await end(pid, 'SIGKILL');
  fs.rmSync(home, { recursive: true });
});

const options = (...more: string[]) => [
  ...['--allow', '127.0.0.1', '--base', base, '--port', '0', '--port-file', ports, ...more],
];

/** The process that has the lock beside the port file. */
function lockHolder(): number | undefined {
  const file = ports.replace('.ports', '.lock');
  if (!fs.existsSync(file)) return undefined;
  const fd = fs.openSync(file, 'r');
  const [record] = flockRecords(fd);
  fs.closeSync(fd);
  return record?.pid;
}

async function until<T>(what: string, probe: () => T | undefined | false): Promise<T> {
  for (const limit = Date.now() + WAIT_MS; ; ) {
    const found = probe();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > limit) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const isAlive = (pid: number) => fs.existsSync(`/proc/${pid}`);

async function end(pid: number, signal: NodeJS.Signals): Promise<void> {
  process.kill(pid, signal);
  await until(
    'its end',
    () => !isAlive(pid) || fs.readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z '),
  );
}

/** Runs the program to its end; in the background, that is when it answers. */
function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8', timeout: 45_000 });
}

interface Foreground {
  readonly child: ChildProcess;
  readonly port: number;
  readonly stdout: () => string;
  readonly stderr: () => string;
}

async function foreground(...args: string[]): Promise<Foreground> {
  const child = spawn(process.execPath, [PROGRAM, '--foreground', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let [stdout, stderr] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const port = await until(`an answer: ${stderr}`, () => / on port (\d+)\n/.exec(stdout)?.[1]);
  return { child, port: Number(port), stdout: () => stdout, stderr: () => stderr };
}

/** Calls NULL of NFS version 3 by TCP. @returns the reply's first words, or nothing from a server that hangs up */
async function ping(port: number, host = '127.0.0.1'): Promise<string> {
  const call = [0x8000_0028, 77, 0, 2, 100003, 3, 0, 0, 0, 0, 0];
  const bytes = Buffer.alloc(call.length * 4);
  for (const [index, word] of call.entries()) bytes.writeUInt32BE(word, index * 4);
  const socket = net.connect({ port, host });
  socket.on('error', () => {});
  socket.write(bytes);
  let reply = '';
  socket.on('data', (data) => {
    reply += data.toString('hex');
    socket.end();
  });
  // once() would pass on the error that a refused client gets.
  await new Promise((resolve) => socket.once('close', resolve));
  return reply;
}

// A record of 24 bytes, xid 77, reply, accepted, AUTH_NONE, SUCCESS.
const PONG = `800000180000004d00000001${'00000000'.repeat(4)}`;

describe('in the foreground', () => {
  it('serves, says so once on stdout, and logs with priorities', async () => {
    const { child, port, stdout, stderr } = await foreground(...options(exported));
    expect(await ping(port)).toBe(PONG);
    await until('the end of stdout', () => child.stdout?.readableEnded);
    expect(stdout()).toBe(`novaboot-nfsd: serving ${exported} on port ${port}\n`);
    await until('the log', () => stderr() === `<6>serving ${exported} on port ${port}\n`);
  });

  it('has the port file while it serves, readable by sh; ends with 0', async () => {
    const { child, port, stderr } = await foreground(...options(exported));
    const names = ['NFS_UDP', 'NFS_TCP', 'MOUNT_UDP', 'MOUNT_TCP'];
    expect(fs.readFileSync(ports, 'utf8')).toBe(names.map((name) => `${name}=${port}\n`).join(''));
    expect(lockHolder()).toBe(child.pid);
    child.kill('SIGTERM');
    await once(child, 'close');
    expect([child.exitCode, stderr()]).toEqual([0, expect.stringMatching(/\n<6>ending: SIGTERM\n$/)]);
    expect(fs.readdirSync(path.dirname(ports))).toEqual(['alice.lock']);
  });

  it('ends with open connections, and on SIGINT', async () => {
    const { child, port } = await foreground(...options(exported));
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    child.kill('SIGINT');
    await once(child, 'close');
    expect(child.exitCode).toBe(0);
    socket.destroy();
  });

  it('answers on IPv6 and UDP too', async () => {
    const { port } = await foreground('--allow', '::/0', ...options(exported));
    expect(await ping(port, '::1')).toBe(PONG);
    const { createSocket } = await import('node:dgram');
    const udp = createSocket('udp4');
    const call = Buffer.from(`0000004d0000000000000002000186a30000000300000000${'00'.repeat(16)}`, 'hex');
    udp.send(call, port, '127.0.0.1');
    const [reply] = (await once(udp, 'message')) as [Buffer];
    udp.close();
    expect(reply.toString('hex')).toBe(PONG.slice(8));
  });

  it('writes its status on SIGUSR1', async () => {
    const { child, port } = await foreground(...options(exported));
    await ping(port);
    child.kill('SIGUSR1');
    const file = ports.replace('.ports', '.status');
    await until('the status', () => fs.existsSync(file));
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    const status = JSON.parse(fs.readFileSync(file, 'utf8'));
    expect(status).toMatchObject({
      ...{ version: 1, pid: child.pid, port, export: exported, ownership: 'xattr' },
      ...{ connections: 0, mounts: [], operations: { NULL: 1 }, errors: {}, rpcErrors: 0 },
      ...{
        duplicateReplies: 0,
        clients: [{ address: '127.0.0.1', connections: 0, calls: 1, lastDatagramAt: null }],
      },
    });
    expect(Date.parse(status.startedAt)).toBeGreaterThan(Date.now() - WAIT_MS);
    expect(Date.parse(status.clients[0].lastCallAt)).toBeLessThanOrEqual(Date.now());
    expect(status.landlock).toBeGreaterThan(0);
    expect(['root', 'account']).toContain(status.unattributed);
    expect(status.memory.rss).toBeGreaterThan(20e6);
    expect(status.bytesRead).toBeGreaterThan(0);
    expect(status.uptimeSeconds).toBeLessThan(60);
  });

  it('opens no debugger, whenever SIGUSR1 comes', async () => {
    const child = spawn(
      process.execPath,
      ['--disable-sigusr1', PROGRAM, '--foreground', ...options(exported)],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    started.push(child);
    let stderr = '';
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    await until('an answer', () => {
      if (fs.existsSync(`/proc/${child.pid}/status`)) {
        const status = fs.readFileSync(`/proc/${child.pid}/status`, 'latin1');
        const blocked = Number.parseInt(/SigBlk:\s*([0-9a-f]+)/.exec(status)?.[1] ?? '0', 16);
        if (blocked & 0x200) child.kill('SIGUSR1');
      }
      return fs.existsSync(ports);
    });
    const file = ports.replace('.ports', '.status');
    await until('the status', () => {
      child.kill('SIGUSR1');
      return fs.existsSync(file);
    });
    expect(stderr).not.toMatch(/debugger/i);
  });

  it('refuses other clients', async () => {
    const { port, stderr } = await foreground('--allow', '10.1.2.3', '--port', '0', exported);
    expect(await ping(port)).toBe('');
    await until('the log', () => stderr().includes('<5>refused 127.0.0.1: not an allowed client\n'));
  });

  it('takes over from a server that was killed, whose port file is no more believed', async () => {
    const first = await foreground(...options(exported));
    await end(first.child.pid as number, 'SIGKILL');
    expect(fs.existsSync(ports)).toBe(true);
    const second = await foreground(...options(exported));
    expect(fs.readFileSync(ports, 'utf8')).toContain(`NFS_TCP=${second.port}\n`);
    expect(await ping(second.port)).toBe(PONG);
  });

  it('says which host is unknown, and serves the others', async () => {
    const { port, stderr } = await foreground('--allow', 'no-such-host.invalid', ...options(exported));
    expect(await ping(port)).toBe(PONG);
    await until('a warning', () => /<4>--allow: no-such-host\.invalid: E/.test(stderr()));
  });
});

describe('in the background', () => {
  it('returns without a word when the port answers; the server is a session of its own', async () => {
    const log = path.join(home, 'log');
    expect(run(...options('--log', log, exported))).toMatchObject({ status: 0, stdout: '', stderr: '' });
    const port = Number(/NFS_TCP=(\d+)/.exec(fs.readFileSync(ports, 'utf8'))?.[1]);
    expect(await ping(port)).toBe(PONG);
    const pid = lockHolder() ?? 0;
    const [, , session] =
      fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ').slice(1) ?? [];
    expect(Number(session)).toBe(pid);
    expect(fs.readlinkSync(`/proc/${pid}/cwd`)).toBe('/');
    expect([0, 1].map((fd) => fs.readlinkSync(`/proc/${pid}/fd/${fd}`))).toEqual(['/dev/null', '/dev/null']);
    await end(pid, 'SIGTERM');
    expect(fs.readFileSync(log, 'utf8')).toMatch(/^\S+Z serving \S+ on port \d+\n\S+Z ending: SIGTERM\n$/);
    expect(fs.statSync(log).mode & 0o777).toBe(0o600);
  });

  it('a second one ends with 75', () => {
    expect(run(...options(exported)).status).toBe(0);
    expect(run(...options(exported))).toMatchObject({
      status: 75,
      stderr: expect.stringMatching(/^novaboot-nfsd: already running \(.*alice\.lock is locked\)\n$/),
    });
    expect(fs.existsSync(ports)).toBe(true);
  });

  it('inherits no descriptor', () => {
    const lock = fs.openSync(path.join(home, 'secret'), 'w');
    const stdio = ['ignore', 'pipe', 'pipe', ...Array(30).fill(lock)];
    expect(spawnSync(process.execPath, [PROGRAM, ...options(exported)], { stdio }).status).toBe(0);
    fs.closeSync(lock);
    const directory = `/proc/${lockHolder()}/fd`;
    const open = fs.readdirSync(directory).map((fd) => fs.readlinkSync(`${directory}/${fd}`));
    expect(open.filter((name) => name.startsWith(home)).sort()).toEqual(
      [base, ports.replace('.ports', '.lock')].sort(),
    );
  });

  it('passes on warnings, and the reason of an error', async () => {
    const taken = net.createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as net.AddressInfo;
    const log = path.join(home, 'log');
    const result = run(
      '--allow',
      'no-such-host.invalid',
      ...options('--port', String(port), '--log', log, exported),
    );
    taken.close();
    expect(result).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(
        new RegExp(
          '^novaboot-nfsd: warning: --allow: no-such-host\\.invalid: E\\w+\n' +
            `novaboot-nfsd: port ${port} is in use by another program\n$`,
        ),
      ),
    });
    expect(fs.readFileSync(log, 'utf8')).toContain(`port ${port} is in use`);
    expect(fs.existsSync(ports)).toBe(false);
  });
});

describe('what is wrong is said in one line', () => {
  const refused = (status: number, line: string, ...args: string[]) => {
    for (const mode of [['--foreground'], []]) {
      expect([mode, run(...mode, ...args)]).toEqual([
        mode,
        expect.objectContaining({ status, stdout: '', stderr: `novaboot-nfsd: ${line}\n` }),
      ]);
    }
  };

  it.each([
    [['--port', '65536'], '--port: expected a number from 0 to 65535'],
    [['--port', '-1'], "Option '--port' argument is ambiguous"],
    [['--port', 'http'], '--port: expected a number from 0 to 65535'],
    [['--allow', '10.0.0.0/33'], '--allow: expected addresses, networks or host names'],
    [['--allow', ' , '], '--allow: expected addresses, networks or host names'],
    [['--ownership', 'database'], '--ownership: expected xattr or plain'],
    [['--idle', 'x'], '--idle: expected a number of seconds'],
    [['--quota', '20GB'], '--quota: expected a number of bytes, or of K, M, G or T'],
    [['--max-files', '1K'], '--max-files: expected a number of files'],
    [['--port-file', '/x/y'], '--port-file: expected a file name that ends in .ports'],
    [['--board', '/x'], '--board needs --user'],
    [['--board', '/x', '--user', 'two words'], '--user: expected a name without blanks'],
    [['--base', ''], '--base: expected a directory'],
    [['--nonsense'], "Unknown option '--nonsense'"],
    [['/second'], 'expected the absolute path of one directory'],
  ])('%j', (args, line) => {
    const { status, stdout, stderr } = run(
      ...args,
      ...(args.includes('--allow') ? [] : ['--allow', '::1']),
      '/x',
    );
    expect({ status, stdout, stderr }).toEqual({
      status: 64,
      stdout: '',
      stderr: expect.stringMatching(/^novaboot-nfsd: .* \(see --help\)\n$/),
    });
    expect(stderr).toContain(line);
  });

  it('no clients, no directory', () => {
    expect(run('/x')).toMatchObject({ status: 64, stderr: expect.stringContaining('--allow: expected') });
    expect(run('--allow', '::1')).toMatchObject({
      status: 64,
      stderr: expect.stringContaining('absolute path'),
    });
    expect(run('--allow', '::1', 'relative').status).toBe(64);
  });

  it('directories that cannot be served', () => {
    fs.writeFileSync(path.join(home, 'file'), '');
    fs.mkdirSync(path.join(home, 'other'));
    refused(78, `${home}/missing: no such directory`, '--allow', '::1', '--port', '0', `${home}/missing`);
    refused(78, `${home}/file: not a directory`, '--allow', '::1', '--port', '0', `${home}/file`);
    refused(78, `${exported}: not in ${home}/other`, '--allow', '::1', '--base', `${home}/other`, exported);
  });

  it('a file system that stores no owners', () => {
    // procfs and sysfs have neither; /proc/self/task is a directory of ours.
    const { status, stderr } = run('--allow', '::1', '--port', '0', '/proc/self/task');
    expect([status, stderr.split('\n').length, /^novaboot-nfsd: .*\/proc\/self\/task/.test(stderr)]).toEqual([
      78,
      2,
      true,
    ]);
  });

  it('--help and --version', () => {
    const help = run('--help');
    expect(help).toMatchObject({ status: 0, stderr: '' });
    expect(help.stdout).toMatch(/^usage: novaboot-nfsd /);
    for (const line of help.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    expect(run('--version').stdout).toMatch(/^novaboot-nfsd \d+\.\d+\.\d+\n$/);
  });
});

describe('an account without rights', () => {
  it('serves a tree, keeps owners, and survives kill -9', async () => {
    const server = await startNfsServer();
    const { port } = server;
    expect(await ping(port)).toBe(PONG);
    await server.restart();
    expect(server.port).toBe(port);
    expect(await ping(port)).toBe(PONG);
    expect(await server.stop()).toBe(0);
  });
});
