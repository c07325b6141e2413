/** bin/novaboot-tftpd when clients vanish, send noise or ask for too much, while others get their files; and huge files. */
import { execFile, spawn } from 'node:child_process';
import crypto from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/ssh-session.ts';
import { ack, error, Opcode, request, TftpClient, writeRequest } from '../support/tftp-client.ts';
import { startTftpDaemon, type TftpDaemon } from '../support/tftp-daemon.ts';
import { transferOf, transfersIn } from '../support/tftp-journal.ts';

const CONTENT = crypto.randomBytes(1_000_000);
const GIBIBYTE = 2 ** 30;
const HUGE = 4 * GIBIBYTE + 12_345;
const opened: TftpClient[] = [];
let server: TftpDaemon;
/** Where nobody makes noise, which would use up the lines that the journal has for failures. */
let quiet: TftpDaemon;
/** The process that answers requests, and how many descriptors it had at first. */
let worker: number;
let descriptors: number;

function workers(): number[] {
  const children = fs.readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'latin1');
  return children.trim().split(' ').map(Number);
}
const descriptorsOf = (pid: number) => fs.readdirSync(`/proc/${pid}/fd`).length;

beforeAll(async () => {
  const options = { config: '', files: { 'public/file': CONTENT } };
  [server, quiet] = await Promise.all([startTftpDaemon(options), startTftpDaemon(options)]);
  // What is opened on first use is there afterwards.
  await expectToServe();
  [worker = 0] = workers();
  descriptors = descriptorsOf(worker);
});
afterAll(async () => {
  for (const client of opened) client.close();
  expect(await Promise.all([server.stop(), quiet.stop()])).toEqual([0, 0]);
});

async function connect(local?: string, { port } = server): Promise<TftpClient> {
  const client = await TftpClient.open({ address: '127.0.0.1', port }, local);
  opened.push(client);
  return client;
}

/** By a client with another address than the hostile ones have. */
async function expectToServe(): Promise<void> {
  const client = await connect();
  const { content } = await client.download('file', { blksize: 1468 });
  expect(content.equals(CONTENT)).toBe(true);
  expect((await transferOf(server, 'client', `:${client.port}`)).result).toBe('complete');
}

/** Numbers from 0 to 1 that are the same each time (xorshift32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Packets of all kinds, with bytes changed, cut off, put in or repeated. */
function noise(next: () => number): Buffer {
  const below = (limit: number) => Math.floor(next() * limit);
  const seeds = [
    request('file', { blksize: 1468, windowsize: 16 }),
    request('file', { tsize: 0, timeout: 1 }, 'netascii'),
    request(`${'../'.repeat(below(4))}file`),
    writeRequest('file'),
    Buffer.concat([Buffer.of(0, Opcode.DATA, 0, 1), crypto.hash('sha256', String(next()), 'buffer')]),
    ack(below(0x10000)),
    error(below(9), 'some error'),
    Buffer.from(`\0\x06blksize\0${below(70_000)}\0`),
    Buffer.alloc(below(1500), below(256)),
  ];
  let packet = Buffer.from(seeds[below(seeds.length)] as Buffer);
  for (let change = below(4); change > 0; change -= 1) {
    const at = below(packet.length + 1);
    const [head, tail] = [packet.subarray(0, at), packet.subarray(at)];
    const put = Buffer.alloc(below(20), below(256));
    const changed = [[head, put, tail], [head], [head, put, tail.subarray(put.length)], [packet, packet]];
    packet = Buffer.concat(changed[below(changed.length)] as Buffer[]);
  }
  return packet;
}

describe.concurrent('one client never harms another', () => {
  test('who asks in the name of others gets them few and short packets', async ({ expect }) => {
    const victims = await Promise.all([connect(undefined, quiet), connect(undefined, quiet)]);
    victims[0]?.send(request('file', { blksize: 65464, windowsize: 64 }));
    victims[1]?.send(request('file'));
    for (const victim of victims) {
      expect((await transferOf(quiet, 'client', `:${victim.port}`)).result).toBe('the client is silent');
      const packets = victim.take();
      expect(packets.length).toBeLessThanOrEqual(4);
      for (const { bytes } of packets) expect(bytes.length).toBeLessThanOrEqual(516);
    }
  });

  test('who vanishes is given up, but not at once', { timeout: 90_000 }, async ({ expect }) => {
    const client = await connect(undefined, quiet);
    const { port } = await client.ask(request('file', { timeout: 1 }));
    expect(await client.ask(ack(0), port)).toMatchObject({ opcode: Opcode.DATA });
    const { result, seconds } = await transferOf(quiet, 'client', `:${client.port}`);
    expect(result).toBe('the client is silent');
    expect(Number(seconds)).toBeGreaterThan(5);
    expect(client.take().length).toBeLessThanOrEqual(10);
  });

  test('noise, to the port of requests and to those of transfers', async ({ expect }) => {
    // How many answers come is not the same each time; what is sent to them takes nothing from the rest.
    const [next, nextAnswer] = [random(20_261_121), random(7440)];
    // Each address has limits of its own.
    const locals = Array.from({ length: 16 }, (_, index) => `127.0.1.${index + 1}`);
    const strangers = await Promise.all(locals.map((local) => connect(local)));
    const good = await connect('127.0.0.12');
    let sent = 0;
    const makeNoise = async (port?: number) => {
      for (const stranger of strangers) stranger.send(noise(next), port);
      sent += strangers.length;
      // Answers of the server are answered too.
      for (const stranger of strangers) {
        for (const { port: theirs } of stranger.take().slice(0, 4)) stranger.send(noise(nextAnswer), theirs);
      }
    };
    for (let file = 0; file < 3; file += 1) {
      const { content } = await good.download('file', { blksize: 1468 }, async (block, { port }) => {
        if (block % 4 === 0) await makeNoise(block % 8 === 0 ? port : undefined);
        return true;
      });
      expect(content.equals(CONTENT)).toBe(true);
    }
    expect(sent).toBeGreaterThan(5000);
  });

  test('who asks for thousands of files', async ({ expect }) => {
    const greedy = await Promise.all(Array.from({ length: 200 }, () => connect('127.0.0.13')));
    for (let again = 0; again < 20; again += 1) {
      for (const client of greedy) client.send(request(again % 2 === 0 ? 'file' : `absent-${again}`));
      const client = await connect('127.0.0.14');
      const { content } = await client.download('file', { blksize: 1468 });
      expect(content.equals(CONTENT)).toBe(true);
    }
    const told = transfersIn(server.log()).filter(({ client }) => client?.startsWith('127.0.0.13:'));
    // The journal is not filled by one client.
    expect(told.length).toBeLessThan(200);
  });

  test('a file of more than 4 GiB comes whole, in more than 65,535 blocks', { timeout: 120_000 }, async ({
    expect,
  }) => {
    const file = path.join(quiet.directory, 'public/huge');
    const fd = fs.openSync(file, 'w');
    fs.ftruncateSync(fd, HUGE);
    // Around every place where a number may run over, and at the end.
    for (const at of [0, 2 * GIBIBYTE - 8, 65_536 * 65_464 - 8, 4 * GIBIBYTE - 8, HUGE - 8]) {
      fs.writeSync(fd, crypto.randomBytes(16), 0, at === HUGE - 8 ? 8 : 16, at);
    }
    fs.closeSync(fd);
    const url = `tftp://127.0.0.1:${quiet.port}/huge`;
    const script = `curl -sS --tftp-blksize 65464 "$0" | cmp - "$1"`;
    await promisify(execFile)('/bin/bash', ['-ec', `set -o pipefail; ${script}`, url, file]);
    expect(await transferOf(quiet, 'file', 'huge')).toMatchObject({
      bytes: String(HUGE),
      result: 'complete',
    });
  });

  test('a client that is killed', async () => {
    for (let count = 0; count < 5; count += 1) {
      const url = `tftp://127.0.0.1:${server.port}/file`;
      const argv = ['-sS', '--tftp-no-options', '--interface', '127.0.0.15', url];
      const child = spawn('curl', argv, { stdio: ['ignore', 'pipe', 'ignore'] });
      // What nobody reads stops it within the file.
      await once(child.stdout, 'readable');
      child.kill('SIGKILL');
    }
    await expectToServe();
  });
});

test('all of them left nothing behind', async () => {
  await expectToServe();
  expect(workers()).toEqual([worker]);
  expect(server.log()).not.toMatch(/internal error|Error:/);
  await eventually(
    'the descriptors of transfers to be closed',
    () => descriptorsOf(worker) <= descriptors,
    60_000,
  );
}, 70_000);
