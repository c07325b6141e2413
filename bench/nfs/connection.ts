/**
 * One TCP connection to a server: calls are written into a fixed buffer and sent in one go, replies are read in place
 * from another (RFC 5531 §9 messages, §11 record marking).
 */
import { addressOf, close, connect, receive, send } from './sockets.ts';

export const NFS_PROGRAM = 100_003;
export const MOUNT_PROGRAM = 100_005;
const VERSION = 3;
const LAST_FRAGMENT = 0x8000_0000;

/** Room for the replies that may be under way together, and for one more record of 1 MiB. */
const RECEIVE_SIZE = 16 << 20;
const SEND_SIZE = 4 << 20;

/** AUTH_SYS of root without further groups (RFC 5531 §8.2, appendix A), then AUTH_NONE as verifier. */
const CREDENTIALS = [1, 20, 0, 0, 0, 0, 0, 0, 0];

/** Writes the arguments of a call. Offsets are bytes in the connection's buffer. */
export class Arguments {
  readonly bytes: Buffer;
  readonly view: DataView;
  at = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
    this.view = new DataView(this.bytes.buffer);
  }

  uint32(value: number): void {
    this.view.setUint32(this.at, value);
    this.at += 4;
  }

  uint64(value: number): void {
    this.view.setUint32(this.at, Math.floor(value / 2 ** 32));
    this.view.setUint32(this.at + 4, value % 2 ** 32);
    this.at += 8;
  }

  /** opaque<> and string<>: length, bytes, zeroes up to a multiple of four. */
  opaque(bytes: Uint8Array): void {
    const { length } = bytes;
    this.uint32(length);
    if (length % 4 !== 0) this.view.setUint32(this.at + (length & ~3), 0);
    this.bytes.set(bytes, this.at);
    this.at += (length + 3) & ~3;
  }
}

/** A reply's results. `at` is where the next field starts, `end` where the record ends. */
export class Results {
  readonly bytes: Buffer;
  readonly view: DataView;
  at = 0;
  end = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
    this.view = new DataView(this.bytes.buffer);
  }

  uint32(): number {
    const value = this.view.getUint32(this.at);
    this.at += 4;
    return value;
  }

  uint64(): number {
    return this.uint32() * 2 ** 32 + this.uint32();
  }

  /** Passes over bytes and what rounds them up to a multiple of four. */
  skip(length: number): void {
    this.at += (length + 3) & ~3;
    if (this.at > this.end) throw new Error('a reply is cut short');
  }
}

/** Called for every reply, with `results` at the first field after accept_stat. */
export type OnReply = (xid: number, results: Results) => void;

export class Connection {
  readonly fd: number;
  readonly arguments: Arguments;
  readonly #results: Results;
  readonly #sendAddress: number;
  readonly #receiveAddress: number;
  readonly #receiveSize: number;
  #recordStart = 0;
  #start = 0;
  #filled = 0;

  /** Sizes in bytes: of the largest set of calls sent together, and twice that of the largest record received. */
  constructor(address: string, port: number, sendSize = SEND_SIZE, receiveSize = RECEIVE_SIZE) {
    this.arguments = new Arguments(sendSize);
    this.#results = new Results(receiveSize);
    this.#sendAddress = addressOf(this.arguments.bytes);
    this.#receiveAddress = addressOf(this.#results.bytes);
    this.#receiveSize = receiveSize;
    this.fd = connect(address, port);
  }

  close(): void {
    close(this.fd);
  }

  /** Starts a call; its arguments are to be written to `arguments`, then `end` called. */
  begin(xid: number, program: number, procedure: number): void {
    const call = this.arguments;
    this.#recordStart = call.at;
    call.at += 4;
    call.uint32(xid);
    call.uint32(0);
    call.uint32(2);
    call.uint32(program);
    call.uint32(VERSION);
    call.uint32(procedure);
    for (const word of CREDENTIALS) call.uint32(word);
  }

  end(): void {
    const call = this.arguments;
    call.view.setUint32(this.#recordStart, LAST_FRAGMENT + call.at - this.#recordStart - 4);
  }

  /** Ends a call whose last bytes lie elsewhere, and sends all so far: large data is not copied. */
  endWith(dataAddress: number, size: number): void {
    const call = this.arguments;
    call.view.setUint32(this.#recordStart, LAST_FRAGMENT + call.at - this.#recordStart - 4 + size);
    send(this.fd, this.#sendAddress, call.at, true);
    call.at = 0;
    send(this.fd, dataAddress, size, false);
  }

  flush(): void {
    const call = this.arguments;
    if (call.at > 0) send(this.fd, this.#sendAddress, call.at, false);
    call.at = 0;
  }

  /** Waits for bytes and hands on every reply that is complete. */
  read(onReply: OnReply): void {
    this.#filled += receive(this.fd, this.#receiveAddress + this.#filled, this.#receiveSize - this.#filled);
    while (this.#nextRecord()) this.#handReply(onReply);
    if (this.#start === this.#filled) {
      this.#start = 0;
      this.#filled = 0;
    } else if (this.#filled > this.#receiveSize / 2) {
      this.#results.bytes.copyWithin(0, this.#start, this.#filled);
      this.#filled -= this.#start;
      this.#start = 0;
    }
  }

  /** True if a whole record lies at `#start`; sets the bounds of `#results`. */
  #nextRecord(): boolean {
    const { view } = this.#results;
    const size = this.#filled - this.#start;
    if (size < 4) return false;
    const mark = view.getUint32(this.#start);
    if (mark < LAST_FRAGMENT) return this.#joinFragments();
    const length = mark - LAST_FRAGMENT;
    if (size < 4 + length) return false;
    this.#results.at = this.#start + 4;
    this.#results.end = this.#start + 4 + length;
    this.#start = this.#results.end;
    return true;
  }

  /** Rare: moves the first fragment up to the second, as often as needed, and looks again. */
  #joinFragments(): boolean {
    const { view, bytes } = this.#results;
    const first = view.getUint32(this.#start);
    const next = this.#start + 4 + first;
    if (this.#filled < next + 4) return false;
    const second = view.getUint32(next);
    bytes.copyWithin(this.#start + 8, this.#start + 4, next);
    this.#start += 4;
    view.setUint32(this.#start, second + first);
    return this.#nextRecord();
  }

  #handReply(onReply: OnReply): void {
    const results = this.#results;
    const xid = results.uint32();
    const isReply = results.uint32() === 1;
    const isAccepted = results.uint32() === 0;
    if (!isReply || !isAccepted) throw new Error('the server rejected a call (RFC 5531: MSG_DENIED)');
    results.at += 4;
    results.skip(results.uint32());
    const status = results.uint32();
    if (status !== 0) throw new RpcError(status);
    onReply(xid, results);
  }
}

/** The server answered something else than SUCCESS. */
export class RpcError extends Error {
  readonly acceptStat: number;

  constructor(acceptStat: number) {
    super(`the server answered accept_stat ${acceptStat}`);
    this.name = 'RpcError';
    this.acceptStat = acceptStat;
  }
}
