/** bin/novaboot-tftpd with the clients that people have: tftp-hpa, atftp and curl. */
import { execFile } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTftpDaemon, type TftpDaemon } from '../support/tftp-daemon.ts';
import { transferOf, transfersIn } from '../support/tftp-journal.ts';

/** Bytes of each file: about blocks of 512 and 1468 bytes, and none at all. */
const SIZES = [0, 1, 511, 512, 513, 1468, 2 * 1468, 300_000];
const TEXT = 'one\ntwo\rthree\r\n\n\rfour';
const TEXT_NETASCII = 'one\r\ntwo\r\0three\r\0\r\n\r\n\r\0four';
/** Of 8 bytes more than two rounds of block numbers. */
const MANY_BLOCKS = 8 * (2 * 0x1_0000 + 100);

let server: TftpDaemon;
let port6: number;
let local: string;

beforeAll(async () => {
  local = fs.mkdtempSync(path.join(os.tmpdir(), 'tftp-clients-'));
  const listen = ['127.0.0.1:0', '[::1]:0'];
  server = await startTftpDaemon({ config: '', files: { 'public/text': TEXT }, listen });
  port6 = Number(/ \[::1\]:(\d+)$/m.exec(server.log())?.[1]);
  for (const size of [...SIZES, MANY_BLOCKS]) write(`noise-${size}`, crypto.randomBytes(size));
});
afterAll(async () => {
  fs.rmSync(local, { recursive: true });
  expect(await server.stop()).toBe(0);
});

function write(name: string, content: Buffer | string): void {
  server.write(`public/${name}`, content);
}

const served = (name: string) => fs.readFileSync(path.join(server.directory, 'public', name));
const target = () => path.join(local, crypto.randomUUID());

interface Result {
  readonly status: number | string | undefined;
  /** On both streams. */
  readonly said: string;
}

function run(file: string, ...args: string[]): Promise<Result> {
  return new Promise((resolve, reject) => {
    execFile(file, args, { timeout: 60_000, cwd: local }, (error, stdout, stderr) => {
      if (error?.code === 'ENOENT') reject(new Error(`${file} is not installed`));
      else resolve({ status: error === null ? 0 : (error.code ?? error.signal), said: stdout + stderr });
    });
  });
}

type Client = (remote: string, into: string) => Promise<Result>;

const hpa =
  (address = '127.0.0.1', mode = 'octet'): Client =>
  (remote, into) =>
    run('tftp', '-m', mode, address, String(portOf(address)), '-c', 'get', remote, into);
const atftp =
  (options: readonly string[] = [], address = '127.0.0.1'): Client =>
  (remote, into) => {
    const words = options.flatMap((option) => ['--option', option]);
    return run('atftp', ...words, '-g', '-r', remote, '-l', into, address, String(portOf(address)));
  };
const curl =
  (options: readonly string[] = [], address = '127.0.0.1'): Client =>
  (remote, into) => {
    const host = address.includes(':') ? `[${address}]` : address;
    return run('curl', '-sS', ...options, '-o', into, `tftp://${host}:${portOf(address)}/${remote}`);
  };
const portOf = (address: string) => (address === '::1' ? port6 : server.port);

/** Gets a file, and looks at what came. */
async function expectToGet(client: Client, name: string, expected: Buffer): Promise<void> {
  const into = target();
  const { status, said } = await client(name, into);
  expect({ status, said }).toMatchObject({ status: 0 });
  // curl writes no file when there is nothing to write.
  const got = fs.existsSync(into) || expected.length > 0 ? fs.readFileSync(into) : Buffer.alloc(0);
  expect(got.equals(expected), `${name}: ${got.length} bytes, ${said}`).toBe(true);
}

const CLIENTS: Readonly<Record<string, Client>> = {
  'tftp-hpa': hpa(),
  'tftp-hpa over IPv6': hpa('::1'),
  atftp: atftp(),
  'atftp over IPv6': atftp([], '::1'),
  'atftp with blksize 1468': atftp(['blksize 1468']),
  'atftp with windowsize 16': atftp(['blksize 1468', 'windowsize 16']),
  'atftp with all options': atftp(['tsize 0', 'timeout 2', 'blksize 8192', 'windowsize 65535']),
  curl: curl(),
  'curl over IPv6': curl([], '::1'),
  'curl without options': curl(['--tftp-no-options']),
  'curl with blksize 8': curl(['--tftp-blksize', '8']),
  'curl with blksize 1468': curl(['--tftp-blksize', '1468']),
  'curl with blksize 65464': curl(['--tftp-blksize', '65464']),
};

describe.each(Object.entries(CLIENTS))('%s', (_, client) => {
  test('gets files of all sizes', async () => {
    for (const size of SIZES) await expectToGet(client, `noise-${size}`, served(`noise-${size}`));
  });

  test('gets no file that is not there', async () => {
    const { status, said } = await client('absent', target());
    expect([68, 255, 0]).toContain(status);
    // tftp-hpa ends with 0 whatever happens; curl says it by its status alone.
    if (status !== 68) expect(said).toContain('File not found');
  });
});

describe('block numbers', () => {
  test.each([
    ['curl', curl(['--tftp-blksize', '8'])],
    ['atftp, with windows', atftp(['blksize 8', 'windowsize 64'])],
    ['atftp, with windows that do not divide 65536', atftp(['blksize 8', 'windowsize 7'])],
  ])('begin anew twice: %s', async (_, client) => {
    await expectToGet(client, `noise-${MANY_BLOCKS}`, served(`noise-${MANY_BLOCKS}`));
  });

  test('begin anew: tftp-hpa', async () => {
    write('blocks-of-512', crypto.randomBytes(512 * 0x1_0000 + 5000));
    await expectToGet(hpa(), 'blocks-of-512', served('blocks-of-512'));
  });
});

describe('netascii', () => {
  test.each([
    ['tftp-hpa', hpa('127.0.0.1', 'netascii')],
    ['atftp', atftp(['mode netascii'])],
  ])('%s gets the text as it was', async (_, client) => {
    await expectToGet(client, 'text', Buffer.from(TEXT));
  });

  test('curl, which does not translate back, gets it as RFC 1350 has it', async () => {
    await expectToGet(curl(), 'text;mode=netascii', Buffer.from(TEXT_NETASCII));
  });

  test('a large file is the same afterwards', async () => {
    write('lines', `${'x'.repeat(510)}\n\r`.repeat(2000));
    await expectToGet(hpa('127.0.0.1', 'netascii'), 'lines', served('lines'));
  });
});

describe('nothing can be written', () => {
  const WORDS = 'This server is read-only';

  test('by tftp-hpa', async () => {
    write('mine', 'old');
    fs.writeFileSync(path.join(local, 'new'), 'new');
    const { said } = await run('tftp', '127.0.0.1', String(server.port), '-c', 'put', 'new', 'mine');
    expect(said).toContain(`Error code 2: ${WORDS}`);
    expect(String(served('mine'))).toBe('old');
  });

  test('by atftp', async () => {
    fs.writeFileSync(path.join(local, 'new'), 'new');
    const { status, said } = await run('atftp', '-p', '-l', 'new', '127.0.0.1', String(server.port));
    expect({ status, said }).toEqual({ status: 255, said: expect.stringContaining(WORDS) });
  });

  test('by curl', async () => {
    fs.writeFileSync(path.join(local, 'new'), 'new');
    // CURLE_TFTP_PERM
    expect(await run('curl', '-sS', '-T', 'new', `tftp://127.0.0.1:${server.port}/mine`)).toMatchObject({
      status: 69,
    });
  });
});

describe('many clients together', () => {
  test('each gets its own file', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `own-${index}.`);
    for (const name of names) write(name, crypto.randomBytes(200_000));
    const clients = [curl(['--tftp-blksize', '1468']), atftp(['blksize 1468', 'windowsize 16']), hpa()];
    await Promise.all(
      names.map((name, index) => expectToGet(clients[index % clients.length] as Client, name, served(name))),
    );
    for (const name of names) {
      expect(await transferOf(server, 'file', name)).toMatchObject({
        sha256: crypto.hash('sha256', served(name)),
        result: 'complete',
      });
    }
    const told = transfersIn(server.log()).filter(({ file }) => file?.startsWith('own-'));
    expect(told).toHaveLength(names.length);
  });
});
