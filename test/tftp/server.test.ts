/** The server's sockets, sessions and files, by way of the program. What is hostile is in test/integration. */
import { spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ack, Opcode, request, TftpClient } from '../support/tftp-client.ts';
import { startTftpDaemon, type TftpDaemon } from '../support/tftp-daemon.ts';

/** Longer than a client has to be silent before a request from its port begins anew. */
const SILENCE_MS = 1100;
/** Of one address. */
const MAX_CLIENT_UNANSWERED = 64;
/** Ends a transfer. */
const GIVE_UP = Buffer.of(0, Opcode.ERROR, 0, 0, 0);
const large = crypto.randomBytes(1_000_000);

let daemon: TftpDaemon;
const clients: TftpClient[] = [];

beforeAll(async () => {
  daemon = await startTftpDaemon({
    config: 'public=public\n',
    files: {
      'public/one': 'the first',
      'public/two': 'the second',
      'public/large': large,
      'public/text': 'a\r\nb',
    },
  });
});
afterAll(() => daemon?.stop());
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

async function open(local?: string): Promise<TftpClient> {
  const client = await TftpClient.open({ address: '127.0.0.1', port: daemon.port }, local);
  clients.push(client);
  return client;
}

describe('a request from a port that has a transfer', () => {
  it('is a duplicate while the client goes on', async () => {
    const client = await open();
    const first = await client.ask(request('large'));
    client.send(ack(1), first.port);
    client.send(request('large'));
    // What comes later is answered later.
    const other = await open();
    await other.download('two');
    expect(client.take()).toMatchObject([{ port: first.port, number: 2 }]);
    expect(await client.ask(ack(2), first.port)).toMatchObject({ port: first.port, number: 3 });
    client.send(GIVE_UP, first.port);
    await daemon.logged(new RegExp(`client=127.0.0.1:${client.port} .*client sent error 0`));
  });

  it('begins anew after silence: the board was reset', async () => {
    const client = await open();
    const first = await client.ask(request('large'));
    await client.ask(ack(1), first.port);
    await sleep(SILENCE_MS);
    client.send(request('large'));
    await daemon.logged(new RegExp(`client=127.0.0.1:${client.port} .*file="large" .*began anew`));
    let anew = first;
    while (anew.port === first.port) anew = await client.receive();
    expect(anew).toMatchObject({ number: 1, data: large.subarray(0, 512) });
    client.send(GIVE_UP, anew.port);
  });

  it.each([
    ['another file', request('two')],
    ['the same with other options', request('one', { blksize: 8 })],
  ])('begins anew for %s', async (_, other) => {
    const client = await open();
    for (const isAnswered of [false, true]) {
      const first = await client.ask(request('one', { tsize: 0 }));
      expect(first.opcode).toBe(Opcode.OACK);
      if (isAnswered) await client.ask(ack(0), first.port);
      const second = await client.ask(other);
      expect(second.port).not.toBe(first.port);
      expect(second.opcode).toBe(other.includes('blksize') ? Opcode.OACK : Opcode.DATA);
      client.send(GIVE_UP, second.port);
      await daemon.logged(new RegExp(`client=127.0.0.1:${client.port} .*client sent error 0`));
    }
  });
});

it('one address without answers gets so many transfers, while others are served', async () => {
  const silent = await Promise.all(
    Array.from({ length: MAX_CLIENT_UNANSWERED + 6 }, () => open('127.0.0.9')),
  );
  for (const client of silent) client.send(request('one'));
  const other = await open();
  // Requests are taken in their order: this one is the last.
  expect((await other.download('two')).content.toString()).toBe('the second');
  const answered = silent.filter((client) => client.take().length > 0);
  expect(answered).toHaveLength(MAX_CLIENT_UNANSWERED);
});

it('who asks for too much is told of in the journal, and keeps nobody else from asking', async () => {
  const greedy = await open('127.0.0.9');
  let isTold = false;
  const told = daemon.logged(/more requests than are answered, the first from 127\.0\.0\.9:/).then(() => {
    isTold = true;
  });
  while (!isTold) {
    for (let count = 0; count < 50; count += 1) greedy.send(request('absent'));
    // More at once would not fit into the server's socket.
    await sleep(5);
  }
  await told;
  expect((await (await open()).download('two')).content.toString()).toBe('the second');
});

it('what gets no answer does not count', async () => {
  const client = await open('127.0.0.10');
  for (let count = 0; count < 1000; count += 1) client.send(GIVE_UP);
  expect((await client.download('two')).content.toString()).toBe('the second');
});

it('without descriptors for more transfers, those that run go on', async () => {
  const small = await startTftpDaemon({
    config: 'public=public\n',
    files: { 'public/file': 'x'.repeat(600) },
    before: ['prlimit', '--nofile=80:80', '--'],
  });
  const own: TftpClient[] = [];
  try {
    for (let count = 0; count < 60; count += 1) {
      own.push(await TftpClient.open({ address: '127.0.0.1', port: small.port }));
    }
    const [first] = own as [TftpClient];
    const block = await first.ask(request('file'));
    for (const client of own.slice(1)) client.send(request('file'));
    await small.logged(/EMFILE/);
    expect(await first.ask(ack(1), block.port)).toMatchObject({ port: block.port, number: 2 });
    first.send(ack(2), block.port);
    await small.logged(new RegExp(`client=127.0.0.1:${first.port} .*"complete"`));
    for (const client of own.slice(1)) {
      for (const { opcode, port } of client.take()) if (opcode === Opcode.DATA) client.send(GIVE_UP, port);
    }
    await small.logged(/the client sent error 0/);
    expect((await first.download('file')).content).toHaveLength(600);
  } finally {
    for (const client of own) client.close();
    await small.stop();
  }
});

describe('a file', () => {
  it('that is not in memory is read meanwhile', async () => {
    const file = path.join(daemon.directory, 'public/large');
    // Writes it and forgets what was written.
    const { status } = spawnSync('dd', [`of=${file}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0']);
    expect(status).toBe(0);
    const client = await open();
    const { content } = await client.download('large', { blksize: 8192, windowsize: 8 });
    expect(content.equals(large)).toBe(true);
    await daemon.logged(new RegExp(`sha256=${crypto.hash('sha256', large)}`));
  });

  it('that is written meanwhile is told to be so', async () => {
    const file = path.join(daemon.directory, 'public/growing');
    fs.writeFileSync(file, Buffer.alloc(1000));
    const client = await open();
    const { content } = await client.download('growing', {}, (block) => {
      if (block === 2) fs.appendFileSync(file, 'more');
      return true;
    });
    expect(content).toHaveLength(1000);
    const [line] = await daemon.logged(/.*file="growing".*/);
    expect(line).toContain('the file was changed meanwhile');
    expect(line).not.toMatch(/sha256=[0-9a-f]/);
  });

  it('that becomes shorter is an error, not a short file', async () => {
    const file = path.join(daemon.directory, 'public/shrinking');
    fs.writeFileSync(file, Buffer.alloc(500_000, 'x'));
    const client = await open();
    const download = client.download('shrinking', { tsize: 0 }, (block) => {
      if (block === 2) fs.truncateSync(file, 1500);
      return true;
    });
    await expect(download).rejects.toThrow('0 Cannot read the file');
    await daemon.logged(/<4>transfer .*file="shrinking".*the file has become shorter/);
  });

  it('that another one takes the name of is sent as it was', async () => {
    const file = path.join(daemon.directory, 'public/replaced');
    const before = crypto.randomBytes(500_000);
    fs.writeFileSync(file, before);
    const client = await open();
    const { content } = await client.download('replaced', {}, (block) => {
      if (block !== 2) return true;
      fs.writeFileSync(`${file}.new`, 'another');
      fs.renameSync(`${file}.new`, file);
      return true;
    });
    expect(content.equals(before)).toBe(true);
    await daemon.logged(new RegExp(`file="replaced".*sha256=${crypto.hash('sha256', before)}.*"complete"`));
  });
});
