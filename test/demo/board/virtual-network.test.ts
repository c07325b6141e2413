/**
 * What a board can reach through QEMU's user network and our filter: the test sends a hostile board's frames itself,
 * and sees what arrives at servers on the loopback interface. Without the filter, the same frames arrive.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { relayFrames } from '../../../src/demo/board/frame-stream.ts';
import { missingPackages } from '../../../src/demo/board/virtual-machine.ts';
import { joinNetwork, userNetworkArguments } from '../../../src/demo/board/virtual-network.ts';
import { eventually } from '../demo-server.ts';
import { ethernet, ipv4, parse, syn, synPayload, TCP, UDP, udp, udpPayload } from './frames.ts';

const FD = 3;
beforeAll(() => expect(missingPackages()).toEqual([]));

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  while (cleanup.length > 0) await cleanup.pop()?.();
});

/** A program that counts who talks to it. */
interface Canary {
  readonly port: number;
  /** What it got. */
  readonly heard: string[];
}

async function tcpCanary(): Promise<Canary & { readonly server: Server }> {
  const heard: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (data) => heard.push(String(data)));
    heard.push('connection');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup.push(() => server.close());
  return { port: (server.address() as AddressInfo).port, heard, server };
}

async function udpCanary(): Promise<Canary & { readonly socket: UdpSocket }> {
  const heard: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (data) => heard.push(String(data)));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  cleanup.push(() => socket.close());
  return { port: socket.address().port, heard, socket };
}

/** The board's end of a network. */
class Board {
  readonly #stream: Duplex;
  readonly received: ReturnType<typeof parse>[] = [];
  #rest = Buffer.alloc(0);

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', (chunk) => this.#take(chunk));
  }

  send(frame: Buffer): void {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(frame.length);
    this.#stream.write(Buffer.concat([length, frame]));
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 4 && this.#rest.length >= 4 + this.#rest.readUInt32BE()) {
      const frame = this.#rest.subarray(4, 4 + this.#rest.readUInt32BE());
      this.#rest = this.#rest.subarray(4 + frame.length);
      if (frame.readUInt16BE(12) === 0x0800) this.received.push(parse(frame));
      else if (frame.readUInt16BE(12) === 0x0806) this.#answerArp(frame);
    }
  }

  /** RFC 826: QEMU asks who has the board's address. */
  #answerArp(request: Buffer): void {
    const reply = Buffer.from(request.subarray(14));
    if (reply.readUInt16BE(6) !== 1) return;
    reply.writeUInt16BE(2, 6);
    request.subarray(14 + 8, 14 + 18).copy(reply, 18);
    Buffer.from('525252525252', 'hex').copy(reply, 8);
    request.subarray(14 + 24, 14 + 28).copy(reply, 14);
    this.send(ethernet(0x0806, reply));
  }
}

/** QEMU with nothing but a user network. */
function userNetwork(): Duplex {
  const args = ['-M', 'none', '-nodefaults', '-display', 'none', ...userNetworkArguments(FD)];
  const child: ChildProcess = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', '--', 'qemu-system-aarch64', ...args],
    {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    },
  );
  const exited = once(child, 'exit');
  cleanup.push(() => {
    child.kill('SIGKILL');
    return exited;
  });
  return child.stdio[FD] as Duplex;
}

async function canaries() {
  return { nfs: await tcpCanary(), tftp: await udpCanary(), tcp: await tcpCanary(), udp: await udpCanary() };
}
type Canaries = Awaited<ReturnType<typeof canaries>>;

function ethernetOf(frame: Buffer, type: number, before = ''): Buffer {
  return ethernet(type, Buffer.concat([Buffer.from(before, 'hex'), frame.subarray(14)]));
}

/** All of a hostile board's ways to the servers that are not for it. */
function attempts({ tcp, udp: { port: udpPort }, nfs, tftp }: Canaries): Buffer[] {
  const frames: Buffer[] = [];
  let from = 3000;
  for (const destination of ['10.0.2.2', '127.0.0.1', '10.0.2.77']) {
    for (const port of [tcp.port, tftp.port]) frames.push(syn(destination, [from++, port]));
    for (const port of [udpPort, nfs.port]) frames.push(udp(destination, [from++, port], 'datagram'));
    const hidden = udpPayload(from++, udpPort, 'datagram');
    frames.push(
      ipv4({ protocol: UDP, destination, options: udpPayload(2000, 69, ''), payload: hidden }),
      ipv4({ protocol: UDP, destination, fragment: 0x2000, payload: hidden.subarray(0, 8) }),
      ipv4({ protocol: UDP, destination, fragment: 1, payload: hidden.subarray(8) }),
      ipv4({
        protocol: TCP,
        destination,
        options: Buffer.alloc(20, 1),
        payload: synPayload(destination, [from++, tcp.port]),
      }),
      ethernetOf(syn(destination, [from++, tcp.port]), 0x8100, '00010800'),
      ethernetOf(syn(destination, [from++, tcp.port]), 0x86dd),
    );
  }
  // From the port that TFTP uses, to a server that has not answered there.
  frames.push(udp('10.0.2.2', [2000, 69], 'request'), udp('10.0.2.2', [2000, udpPort], 'datagram'));
  return frames;
}

/** Sends it all, then waits until what was sent last has arrived: frames overtake nobody. */
async function attack(board: Board, servers: Canaries): Promise<void> {
  for (const frame of attempts(servers)) board.send(frame);
  board.send(udp('10.0.2.2', [2001, 69], 'last'));
  board.send(syn('10.0.2.2', [4000, servers.nfs.port]));
  await eventually(() => servers.tftp.heard.includes('last') && servers.nfs.heard.length > 0, 60_000);
  // What arrived before this at the other two has been heard when this is.
  const marker = createSocket('udp4');
  marker.send('marker', servers.udp.port, '127.0.0.1', () => marker.close());
  connect(servers.tcp.port, '127.0.0.1').end('marker');
  await eventually(() => [servers.udp, servers.tcp].every(({ heard }) => heard.includes('marker')), 60_000);
}

test('a board reaches our servers, and nothing else', async () => {
  const servers = await canaries();
  const [end, stream] = duplexPair();
  const isNfsPort = (port: number) => port === servers.nfs.port;
  joinNetwork(stream, userNetwork(), { tftpPort: servers.tftp.port, isNfsPort });
  const board = new Board(end);
  await attack(board, servers);
  expect(servers.udp.heard).toEqual(['marker']);
  expect(servers.tcp.heard).toEqual(['connection', 'marker']);
  expect(servers.tftp.heard).toEqual(['request', 'last']);
  expect(servers.nfs.heard).toEqual(['connection']);
  // SYN and ACK: the connection is there on the board's side too.
  const fromNfs = () =>
    board.received.filter(({ protocol, sourcePort }) => protocol === TCP && sourcePort === servers.nfs.port);
  await eventually(() => fromNfs().length > 0, 60_000);
  expect(fromNfs()[0]).toMatchObject({ source: '10.0.2.2', destinationPort: 4000, tcpFlags: 0x12 });
});

test('a transfer goes on at the port that the TFTP server chooses', async () => {
  const servers = await canaries();
  const [end, stream] = duplexPair();
  joinNetwork(stream, userNetwork(), { tftpPort: servers.tftp.port, isNfsPort: () => false });
  const board = new Board(end);
  const transfer = await udpCanary();
  servers.tftp.socket.once('message', (_data, { port, address }) =>
    transfer.socket.send('data', port, address),
  );
  board.send(udp('10.0.2.2', [2000, 69], 'request'));
  await eventually(() => board.received.some(({ udpData }) => String(udpData) === 'data'), 60_000);
  expect(board.received.at(-1)).toMatchObject({
    source: '10.0.2.2',
    sourcePort: transfer.port,
    destinationPort: 2000,
  });
  board.send(udp('10.0.2.2', [2000, transfer.port], 'acknowledgement'));
  await eventually(() => transfer.heard.includes('acknowledgement'), 60_000);
});

test('without the filter, the same frames reach everything', async () => {
  const servers = await canaries();
  const [end, stream] = duplexPair();
  const network = userNetwork();
  relayFrames(stream, network, () => true);
  relayFrames(network, stream, () => true);
  const board = new Board(end);
  for (const frame of attempts(servers)) board.send(frame);
  await eventually(() => servers.tcp.heard.length >= 3 && servers.udp.heard.length >= 4, 60_000);
});
