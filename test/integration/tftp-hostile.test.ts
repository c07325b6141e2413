/** bin/novaboot-tftpd with clients that break rules, packet by packet: what each gets, and that nobody else notices. */
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ack,
  error,
  errorOf,
  Opcode,
  optionsOf,
  request,
  TftpClient,
  writeRequest,
} from '../support/tftp-client.ts';
import { startTftpDaemon, type TftpDaemon } from '../support/tftp-daemon.ts';
import { transferOf, transfersIn } from '../support/tftp-journal.ts';

/** Blocks of 512 bytes, the last one shorter. */
const BLOCKS = 40;
const CONTENT = crypto.randomBytes(512 * BLOCKS - 100);
/** Nothing is sent again because a busy machine is late with its answer. */
const PATIENT = { timeout: 20 };
const opened: TftpClient[] = [];
let server: TftpDaemon;

beforeAll(async () => {
  const files = { 'public/file': CONTENT, 'public/..hidden': 'h', secret: 'secret' };
  server = await startTftpDaemon({ config: '', files });
  const at = (name: string) => path.join(server.directory, 'public', name);
  fs.mkdirSync(at('directory'));
  execFileSync('mkfifo', [at('fifo')]);
  for (const [name, target] of Object.entries({
    link: 'file',
    outside: '../secret',
    absolute: path.join(server.directory, 'secret'),
    zero: '/dev/zero',
    loop: 'loop',
    self: '/proc/self/environ',
  })) {
    fs.symlinkSync(target, at(name));
  }
});
afterAll(async () => {
  for (const client of opened) client.close();
  expect(server.log()).not.toContain('internal error');
  expect(await server.stop()).toBe(0);
});

/** @param local an address of its own has limits of its own */
async function connect(local?: string): Promise<TftpClient> {
  const client = await TftpClient.open({ address: '127.0.0.1', port: server.port }, local);
  opened.push(client);
  return client;
}

async function expectToServe(local?: string): Promise<void> {
  const { content } = await (await connect(local)).download('file');
  expect(content.equals(CONTENT)).toBe(true);
}

describe('a request', () => {
  const READ_ONLY = '2 This server is read-only';
  const ILLEGAL = '4 Illegal TFTP operation';
  const ABSENT = '1 File not found';
  const raw = (text: string) => Buffer.from(text, 'latin1');

  test.each<[what: string, packet: Buffer, answer: string | RegExp]>([
    ['an absent file', request('absent'), ABSENT],
    ['an absent directory', request('absent/file'), ABSENT],
    ['a file as a directory', request('file/file'), ABSENT],
    ['a name that is too long', request('x'.repeat(400)), ABSENT],
    ['a file of the system', request('/etc/passwd'), ABSENT],
    ['.. at the start', request('../secret'), /^2 /],
    ['.. after a slash', request('/../secret'), /^2 /],
    ['.. in the middle', request('directory/../../secret'), /^2 /],
    ['.. at the end', request('directory/..'), /^2 /],
    ['a newline', request('fi\nle'), /^2 /],
    ['a directory', request('directory'), '2 Is a directory'],
    ['the tree', request('/'), '2 Is a directory'],
    ['no name', request(''), '2 Is a directory'],
    ['a FIFO', request('fifo'), '2 Not a regular file'],
    ['a link out of the tree', request('outside'), /^2 /],
    ['an absolute link', request('absolute'), /^2 /],
    ['a link to a device', request('zero'), /^2 /],
    ['a link to /proc', request('self'), /^2 /],
    ['a link to itself', request('loop'), /^2 /],
    ['to write', writeRequest('new'), READ_ONLY],
    ['to write a file that is there', writeRequest('file'), READ_ONLY],
    ['mode mail', request('file', {}, 'mail'), /^4 Mode must be/],
    ['an unknown mode', request('file', {}, 'binary'), /^4 Mode must be/],
    ['no mode', raw('\0\x01file\0'), /^4 /],
    ['no end of the mode', raw('\0\x01file\0octet'), /^4 /],
    ['no end of the name', raw('\0\x01file'), /^4 /],
    ['nothing', raw('\0\x01'), /^4 /],
    ['an option without a value', raw('\0\x01file\0octet\0blksize\0'), /^8 /],
    ['a value without an end', raw('\0\x01file\0octet\0blksize\x00512'), /^4 /],
    ['more than a request can be', request('x'.repeat(2000)), ILLEGAL],
    ['opcode 0', raw('\0\0file\0octet\0'), ILLEGAL],
    ['opcode 7', raw('\0\x07file\0octet\0'), ILLEGAL],
    ['opcode 257', raw('\x01\x01file\0octet\0'), ILLEGAL],
    ['an ACK', ack(1), ILLEGAL],
    ['DATA', raw('\0\x03\0\x01data'), ILLEGAL],
    ['an OACK', raw('\0\x06blksize\x00512\0'), ILLEGAL],
  ])('for %s gets an error', async (_, packet, answer) => {
    const client = await connect();
    const said = errorOf(await client.ask(packet));
    if (answer instanceof RegExp) expect(said).toMatch(answer);
    else expect(said).toBe(answer);
    expect(said.length).toBeLessThan(100);
    await expectToServe();
  });

  test.each<[what: string, packet: Buffer]>([
    ['of no bytes', Buffer.alloc(0)],
    ['of one byte', Buffer.of(0)],
    // RFC 1350 §7: an error is never answered.
    ['that is an error', error(1, 'File not found')],
    ['that is a short error', Buffer.of(0, Opcode.ERROR)],
  ])('%s gets no answer', async (_, packet) => {
    const client = await connect();
    client.send(packet);
    // The answers come in the order of the questions.
    expect(errorOf(await client.ask(request('absent')))).toBe(ABSENT);
  });

  test.each(['/file', '//file', './file', 'link', './/./file', '..hidden'])(
    'for %s gets the file',
    async (name) => {
      const { content } = await (await connect()).download(name);
      expect(content.equals(name === '..hidden' ? Buffer.from('h') : CONTENT)).toBe(true);
    },
  );

  test('has its name in the journal, where it cannot pretend anything', async () => {
    const client = await connect();
    await client.ask(request('a"\n<6>transfer client=1.2.3.4:5 result="complete\x1b[2J\xff'));
    const line = await transferOf(server, 'client', `:${client.port}`);
    expect(line.client).toBe(`127.0.0.1:${client.port}`);
    expect(line.result).toMatch(/^Control character/);
    expect(server.log()).toMatch(/^[\n -~]*$/);
    expect(transfersIn(server.log()).some(({ client: told }) => told === '1.2.3.4:5')).toBe(false);
  });

  test('that comes twice begins one transfer', async () => {
    const client = await connect();
    const first = await client.ask(request('file'));
    client.send(request('file'));
    const second = await client.ask(ack(1), first.port);
    expect(second).toMatchObject({ port: first.port, opcode: Opcode.DATA, number: 2 });
    client.send(error(0, 'enough'), first.port);
    await transferOf(server, 'client', `:${client.port}`);
    expect(client.take()).toEqual([]);
  });
});

describe('an option', () => {
  const size = String(CONTENT.length);

  test.each<[asked: Record<string, string>, answer: Record<string, string>]>([
    [{ blksize: '8' }, { blksize: '8' }],
    [{ blksize: '65464' }, { blksize: '65464' }],
    [{ BLKSIZE: '1000' }, { blksize: '1000' }],
    [{ tsize: '0' }, { tsize: size }],
    [{ timeout: '1' }, { timeout: '1' }],
    [{ timeout: '255' }, { timeout: '255' }],
    [{ windowsize: '1' }, { windowsize: '1' }],
    [{ unknown: '1', tsize: '0', multicast: '' }, { tsize: size }],
    [{ blksize: '7', tsize: '0' }, { tsize: size }],
    [{ blksize: '65465', tsize: '0' }, { tsize: size }],
    [{ blksize: '-512', tsize: '0' }, { tsize: size }],
    [{ blksize: '0x200', tsize: '0' }, { tsize: size }],
    [{ blksize: '1e3', tsize: '0' }, { tsize: size }],
    [{ blksize: ' 512', tsize: '0' }, { tsize: size }],
    [{ blksize: '99999999999999999999', tsize: '0' }, { tsize: size }],
    [{ timeout: '0', tsize: '0' }, { tsize: size }],
    [{ timeout: '256', tsize: '0' }, { tsize: size }],
    [{ windowsize: '0', tsize: '0' }, { tsize: size }],
    [{ windowsize: '65536', tsize: '0' }, { tsize: size }],
  ])('as in %j is answered by %j', async (asked, answer) => {
    const client = await connect('127.0.0.5');
    const packet = await client.ask(request('file', asked));
    expect(optionsOf(packet)).toEqual(answer);
    client.send(error(8, 'only asking'), packet.port);
  });

  test('asks for more than fits: a smaller window', async () => {
    const client = await connect('127.0.0.5');
    const packet = await client.ask(request('file', { windowsize: 65535 }));
    const windowsize = Number(optionsOf(packet).windowsize);
    expect(windowsize).toBeGreaterThanOrEqual(16);
    expect(windowsize).toBeLessThan(1000);
    client.send(error(8, 'only asking'), packet.port);
  });

  test('that is unknown alone is not answered: the file comes', async () => {
    const packet = await (await connect('127.0.0.5')).ask(request('file', { unknown: 1, blksize: 'x' }));
    expect(packet).toMatchObject({ opcode: Opcode.DATA, number: 1 });
    expect(packet.data.length).toBe(512);
  });
});

describe('a transfer', () => {
  test('sends each block once, although each is acknowledged twice', async () => {
    const client = await connect();
    const { content, packets } = await client.download('file', PATIENT, (block, { port }) => {
      client.send(ack(block), port);
      return true;
    });
    expect(content.equals(CONTENT)).toBe(true);
    expect(packets).toBe(BLOCKS);
    expect(await transferOf(server, 'client', `:${client.port}`)).toMatchObject({
      retransmissions: '0',
      result: 'complete',
    });
  });

  test('minds no acknowledgments of old blocks, nor of those that were never sent', async () => {
    const client = await connect();
    const { content, packets } = await client.download('file', PATIENT, (block, { port }) => {
      for (const other of [block - 2, block - 30, block + 1, block + 1000, block + 40_000]) {
        client.send(ack((other + 65536) % 65536), port);
      }
      return true;
    });
    expect(content.equals(CONTENT)).toBe(true);
    expect(packets).toBe(BLOCKS);
  });

  test('sends a lost block again', async () => {
    const client = await connect();
    let lost = 0;
    const { content, packets } = await client.download('file', {}, (block) => block !== 7 || ++lost > 1);
    expect(content.equals(CONTENT)).toBe(true);
    expect(packets).toBe(BLOCKS + 1);
    expect(await transferOf(server, 'client', `:${client.port}`)).toMatchObject({
      retransmissions: '1',
      bytes: String(CONTENT.length),
      sha256: crypto.hash('sha256', CONTENT),
      result: 'complete',
    });
  });

  test('goes on after the last block of a window that the client has', async () => {
    const client = await connect();
    let lost = 0;
    const options = { blksize: 512, windowsize: 8 };
    const { content } = await client.download('file', options, (block, { port }) => {
      if (block !== 12 || ++lost > 1) return true;
      // RFC 7440 §4: the client tells what it has when there is a gap.
      client.send(ack(11), port);
      return false;
    });
    expect(content.equals(CONTENT)).toBe(true);
    expect(lost).toBe(2);
  });

  test('sends the answer to options again', async () => {
    const client = await connect();
    const first = await client.ask(request('file', { blksize: 1000 }));
    const second = await client.receive();
    expect([second.port, optionsOf(second)]).toEqual([first.port, { blksize: '1000' }]);
    expect(await client.ask(ack(0), first.port)).toMatchObject({ opcode: Opcode.DATA, number: 1 });
    client.send(error(0, 'enough'), first.port);
  });

  test('is not disturbed by strangers, who are told so', async () => {
    const [client, stranger] = await Promise.all([connect(), connect('127.0.0.6')]);
    const packets = [
      ack(20),
      ack(1),
      Buffer.from('\0\x03\0\x01x'),
      Buffer.of(0),
      request('file'),
      Buffer.of(9, 9, 9, 9),
    ];
    let asked = 0;
    const { content, packets: received } = await client.download('file', PATIENT, async (_, { port }) => {
      // An error is not answered, and it ends nothing.
      stranger.send(error(0, 'stop'), port);
      const packet = packets[asked++ % packets.length] as Buffer;
      const answer = await stranger.ask(packet, port);
      expect([answer.port, errorOf(answer)]).toEqual([port, '5 Unknown transfer ID']);
      return true;
    });
    expect(content.equals(CONTENT)).toBe(true);
    expect(received).toBe(BLOCKS);
  });

  test.each<[what: string, packet: Buffer]>([
    ['DATA', Buffer.from('\0\x03\0\x01x')],
    ['a request', request('file')],
    ['opcode 9', Buffer.from('\0\x09\0\x01')],
    ['half an ACK', Buffer.from('\0\x04\0')],
    ['no bytes', Buffer.alloc(0)],
  ])('ends when its client sends %s', async (_, packet) => {
    const client = await connect();
    const { port } = await client.ask(request('file'));
    expect(errorOf(await client.ask(packet, port))).toBe('4 Illegal TFTP operation');
    expect((await transferOf(server, 'client', `:${client.port}`)).result).toBe('illegal packet');
  });

  test("ends with its client's error", async () => {
    const client = await connect();
    const { port } = await client.ask(request('file'));
    client.send(error(3, 'Disk "full"\x07'), port);
    const { result, bytes, sha256 } = await transferOf(server, 'client', `:${client.port}`);
    expect({ result, bytes, sha256 }).toEqual({
      result: 'the client sent error 3: Disk \\"full\\"\\x07',
      bytes: '0',
      sha256: undefined,
    });
  });
});
