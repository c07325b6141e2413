/**
 * A TFTP client packet by packet, for what no real client does: RFC 1350, 2347, 7440. It shares no code with the server.
 */
import dgram from 'node:dgram';
import { once } from 'node:events';

export const Opcode = { RRQ: 1, WRQ: 2, DATA: 3, ACK: 4, ERROR: 5, OACK: 6 } as const;

const ANSWER_MS = 45_000;
/** Until a request is sent again. */
const REQUEST_MS = 1000;
const BLOCK_NUMBERS = 0x1_0000;

export interface Packet {
  /** Of the sender. */
  readonly port: number;
  readonly bytes: Buffer;
  readonly opcode: number;
  /** Block number, or error code. */
  readonly number: number;
  /** After these four bytes. */
  readonly data: Buffer;
}

export type Options = Readonly<Record<string, string | number>>;

/** Strings with NULs behind them. */
function strings(opcode: number, words: readonly (string | number | Buffer)[]): Buffer {
  const parts = words.flatMap((word) => [
    Buffer.from(word instanceof Buffer ? word : String(word)),
    Buffer.of(0),
  ]);
  return Buffer.concat([Buffer.of(0, opcode), ...parts]);
}

export function request(name: string | Buffer, options: Options = {}, mode = 'octet'): Buffer {
  return strings(Opcode.RRQ, [name, mode, ...Object.entries(options).flat()]);
}

export function writeRequest(name: string): Buffer {
  return strings(Opcode.WRQ, [name, 'octet']);
}

export function ack(block: number): Buffer {
  const packet = Buffer.of(0, Opcode.ACK, 0, 0);
  packet.writeUInt16BE(block % BLOCK_NUMBERS, 2);
  return packet;
}

export function error(code: number, message: string): Buffer {
  return Buffer.concat([Buffer.of(0, Opcode.ERROR, 0, code), Buffer.from(`${message}\0`)]);
}

/** Names and values of an OACK. */
export function optionsOf({ opcode, bytes }: Packet): Record<string, string> {
  if (opcode !== Opcode.OACK) throw new Error(`no OACK: ${bytes.toString('latin1')}`);
  const words = bytes.toString('latin1', 2).split('\0');
  const found: Record<string, string> = {};
  for (let index = 0; index + 1 < words.length; index += 2)
    found[words[index] ?? ''] = words[index + 1] ?? '';
  return found;
}

/** An error as `CODE MESSAGE`. */
export function errorOf({ opcode, number, data, bytes }: Packet): string {
  if (opcode !== Opcode.ERROR) throw new Error(`no ERROR: ${bytes.toString('latin1')}`);
  return `${number} ${data.toString('latin1').replace(/\0$/, '')}`;
}

/** A socket on the loopback. Nothing that comes is lost or dropped: it waits to be received. */
export class TftpClient {
  readonly #socket: dgram.Socket;
  readonly #server: { readonly address: string; readonly port: number };
  readonly #waiting: Packet[] = [];
  #wake: (() => void) | undefined;
  #unsent = 0;
  #isClosing = false;

  private constructor(socket: dgram.Socket, server: { address: string; port: number }) {
    this.#socket = socket;
    this.#server = server;
    socket.on('message', (bytes, { port }) => {
      const [opcode, number] = [bytes.readUInt16BE(0), bytes.length < 4 ? 0 : bytes.readUInt16BE(2)];
      this.#waiting.push({ port, bytes, opcode, number, data: bytes.subarray(4) });
      this.#wake?.();
    });
  }

  /** @param server where requests go to. @param local our own address */
  static async open(server: { address: string; port: number }, local = '127.0.0.1'): Promise<TftpClient> {
    const socket = dgram.createSocket('udp4').bind(0, local);
    await once(socket, 'listening');
    return new TftpClient(socket, server);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** @param port the server's: of a transfer, or where requests go to */
  send(packet: Buffer, port = this.#server.port): void {
    this.#unsent += 1;
    this.#socket.send(packet, port, this.#server.address, () => {
      this.#unsent -= 1;
      this.#closeWhenSent();
    });
  }

  /** @throws Error if nothing comes */
  async receive(): Promise<Packet> {
    const deadline = performance.now() + ANSWER_MS;
    while (this.#waiting.length === 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(resolve, deadline - performance.now());
      await promise;
      clearTimeout(timer);
      if (performance.now() > deadline) throw new Error('no answer');
    }
    return this.#waiting.shift() as Packet;
  }

  /** What came and was not received yet. */
  take(): Packet[] {
    return this.#waiting.splice(0);
  }

  async ask(packet: Buffer, port?: number): Promise<Packet> {
    this.send(packet, port);
    return this.receive();
  }

  /**
   * Gets a whole file.
   *
   * @param during is called before a block is acknowledged; false: the block counts as lost on its way
   * @throws Error with the server's own words
   */
  async download(
    name: string,
    options: Options = {},
    during: (block: number, packet: Packet) => boolean | Promise<boolean> = () => true,
  ): Promise<{ content: Buffer; packets: number }> {
    const blocks: Buffer[] = [];
    const windowsize = Number(options.windowsize ?? 1);
    const blksize = Number(options.blksize ?? 512);
    let packets = 0;
    const ask = () => this.send(request(name, options));
    ask();
    const timer = setInterval(ask, REQUEST_MS);
    for (;;) {
      const packet = await this.receive().finally(() => clearInterval(timer));
      if (packet.opcode === Opcode.ERROR) throw new Error(errorOf(packet));
      if (packet.opcode === Opcode.OACK) {
        this.send(ack(0), packet.port);
        continue;
      }
      packets += 1;
      const block = blocks.length + 1;
      if (packet.number !== block % BLOCK_NUMBERS || !(await during(block, packet))) continue;
      blocks.push(packet.data);
      const isLast = packet.data.length < blksize;
      if (isLast || block % windowsize === 0) this.send(ack(block), packet.port);
      if (isLast) return { content: Buffer.concat(blocks), packets };
    }
  }

  close(): void {
    this.#isClosing = true;
    this.#closeWhenSent();
  }

  /** dgram keeps what is sent for a moment. */
  #closeWhenSent(): void {
    if (this.#isClosing && this.#unsent === 0) this.#socket.close();
  }
}
