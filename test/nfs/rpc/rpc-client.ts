/** Clients with sockets, and a server of the fake program. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { type Server, type ServerOptions, startServer } from '../../../src/nfs/server.ts';
import { type FakeContext, type FakeProgram, fakeProgram } from './fake-program.ts';
import { parseReply, type Reply, splitRecords } from './rpc-calls.ts';

export interface FakeServer extends Server {
  readonly fake: FakeProgram;
}

/** On 127.0.0.1, or on all addresses. */
export async function startFakeServer(
  options: Partial<ServerOptions<FakeContext>> = {},
  where: 'local' | 'all' = 'local',
): Promise<FakeServer> {
  const fake = fakeProgram();
  const { programs, contextOf, log } = fake;
  const host = where === 'local' ? { host: '127.0.0.1' } : {};
  const admit = () => true;
  const server = await startServer({ port: 0, ...host, admit, programs, contextOf, log, ...options });
  return { ...server, fake };
}

/** One connection. Replies come in the order in which they arrived. */
export class TcpClient {
  readonly socket: net.Socket;
  readonly replies: Reply[] = [];
  /** The server ended the connection. */
  ended = false;
  readonly whenEnded: Promise<void>;
  private stream: Buffer[] = [];
  private received = 0;
  private needed = 4;
  private wake: (() => void) | undefined;

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.onData(bytes));
    socket.on('error', () => {});
    this.whenEnded = new Promise((resolve) => {
      socket.on('close', () => {
        this.ended = true;
        this.wake?.();
        resolve();
      });
    });
  }

  static async connect(port: number, host = '127.0.0.1', localPort?: number): Promise<TcpClient> {
    const from = localPort === undefined ? {} : { localPort };
    const socket = net.connect({ port, host, allowHalfOpen: true, ...from });
    await once(socket, 'connect');
    socket.once('end', () => socket.end());
    return new TcpClient(socket);
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The next `count` replies. @throws Error if the server ends the connection before */
  async take(count: number): Promise<Reply[]> {
    while (this.replies.length < count) {
      if (this.ended) throw new Error(`the connection ended after ${this.replies.length} replies`);
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.replies.splice(0, count);
  }

  async call(message: Uint8Array): Promise<Reply> {
    this.send(message);
    return (await this.take(1))[0] as Reply;
  }

  close(): void {
    this.socket.destroy();
  }

  private onData(bytes: Buffer): void {
    this.stream.push(bytes);
    this.received += bytes.length;
    if (this.received < this.needed) return;
    const { records, rest } = splitRecords(Buffer.concat(this.stream));
    this.stream = [rest];
    this.received = rest.length;
    this.needed = rest.length < 4 ? 4 : 4 + rest.readUInt32BE(0) - 0x8000_0000;
    this.replies.push(...records.map(parseReply));
    this.wake?.();
  }
}

/** Sends one datagram and waits for the reply, for `ms` milliseconds. */
export async function callByDatagram(
  port: number,
  message: Uint8Array,
  host = '127.0.0.1',
  ms = 2000,
): Promise<Reply | undefined> {
  const socket = dgram.createSocket(net.isIPv6(host) ? 'udp6' : 'udp4');
  try {
    socket.send(message, port, host);
    const [reply] = (await once(socket, 'message', { signal: AbortSignal.timeout(ms) })) as [Buffer];
    return parseReply(reply);
  } catch (error) {
    if ((error as Error).name === 'AbortError') return undefined;
    throw error;
  } finally {
    socket.close();
  }
}

/** Waits until `condition` holds. */
export async function eventually(condition: () => boolean, ms = 20_000): Promise<void> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not so within ${ms} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
