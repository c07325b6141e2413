/** TFTP over a network with frames of 1500 bytes, from a server with several addresses. */
import { spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeNetwork, type Network } from '../support/network.ts';
import { startTftpDaemon, type TftpDaemon } from '../support/tftp-daemon.ts';

const PORT = 6969;
/** What a socket without an address of its own sends comes from one of each family. */
const OWN = ['10.9.1.1', '10.9.1.2', 'fd00:9:1::1', 'fd00:9:1::2'];
const content = crypto.randomBytes(300_000);

let network: Network;
let daemon: TftpDaemon;
let directory: string;

beforeAll(async () => {
  if (spawnSync('atftp', ['--version']).error) throw new Error('atftp is missing: apt-get install atftp');
  network = await makeNetwork({
    server: OWN.map((address) => (address.includes(':') ? `${address}/64` : `${address}/24`)),
    boards: ['10.9.1.20/24', 'fd00:9:1::20/64'],
    mac: 'dc:a6:32:01:02:04',
  });
  daemon = await startTftpDaemon({
    config: 'public=public\n',
    files: { 'public/file': content },
    listen: [`[::]:${PORT}`],
    // Behind nsenter, which makes the kernel forget it.
    before: [...network.server, 'setpriv', '--pdeathsig', 'KILL', '--'],
  });
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'tftp-network-'));
});
afterAll(async () => {
  await daemon?.stop();
  await network?.stop();
  fs.rmSync(directory, { recursive: true, force: true });
});

function onBoard(command: readonly string[]) {
  const [file = '', ...args] = [...network.boards, ...command];
  return spawnSync(file, args, { timeout: 30_000, maxBuffer: 1e7 });
}

it.each(OWN)('answers come from the address that was asked: %s', (address) => {
  const program = `
    const socket = require('node:dgram').createSocket('${address.includes(':') ? 'udp6' : 'udp4'}');
    socket.send('\\0\\x01file\\0octet\\0', ${PORT}, '${address}');
    socket.once('message', (block, from) => {
      socket.send('\\0\\x05\\0\\0\\0', from.port, from.address, () => socket.close());
      console.log(from.address);
    });`;
  const { stdout, stderr } = onBoard([process.execPath, '-e', program]);
  expect(`${stderr}${stdout}`).toBe(`${address}\n`);
});

it.each([
  ['fits a frame', 1468, 16],
  ['fits none', 8192, 8],
  ['is as long as UDP has them', 65464, 1],
])('windows of blocks whose packet %s', (_, blksize, windowsize) => {
  const target = path.join(directory, `${blksize}`);
  const options = [`blksize ${blksize}`, `windowsize ${windowsize}`].flatMap((option) => [
    '--option',
    option,
  ]);
  const { status, stderr } = onBoard([
    'atftp',
    ...options,
    ...['-g', '-r', 'file', '-l', target, '10.9.1.1', String(PORT)],
  ]);
  expect({ status, stderr: String(stderr) }).toMatchObject({ status: 0 });
  expect(fs.readFileSync(target).equals(content)).toBe(true);
});

it('a broadcast gets no answer', () => {
  const program = `
    const socket = require('node:dgram').createSocket('udp4');
    const request = Buffer.from('\\0\\x01absent\\0octet\\0');
    let answers = 0;
    socket.on('message', () => { answers += 1; });
    socket.bind(0, () => {
      socket.setBroadcast(true);
      socket.send(request, ${PORT}, '10.9.1.255', () =>
        socket.send(request, ${PORT}, '10.9.1.1'));
      socket.once('message', () => setTimeout(() => { console.log(answers); socket.close(); }, 100));
    });`;
  const { stdout } = onBoard([process.execPath, '-e', program]);
  expect(String(stdout)).toBe('1\n');
});
