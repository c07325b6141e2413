/**
 * Blocking TCP sockets on plain system calls: no event loop and no allocation between a reply and the next call, so
 * that the load generator costs as little as a client can. Buffers are passed by address (see `addressOf`).
 */
import koffi from 'koffi';
import { define } from '../../src/system/libc.ts';

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_SNDTIMEO = 21;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const MSG_NOSIGNAL = 0x4000;
const MSG_MORE = 0x8000;
const POLLIN = 1;

const socket = define<[number, number, number]>('int socket(int domain, int type, int protocol)');
const connectTo = define<[number, Buffer, number]>('int connect(int fd, const void *address, uint size)');
const setOption = define<[number, number, number, Buffer, number]>(
  'int setsockopt(int fd, int level, int name, const void *value, uint size)',
);
const sendBytes = define<[number, number, number, number]>(
  'long send(int fd, uintptr_t data, size_t size, int flags)',
);
const receiveBytes = define<[number, number, number, number]>(
  'long recv(int fd, uintptr_t data, size_t size, int flags)',
);
const pollDescriptors = define<[number, number, number]>(
  'int poll(uintptr_t descriptors, ulong count, int timeout)',
);
const closeDescriptor = define<[number]>('int close(int fd)');

/** A call that no server answers within this long fails the workload. */
const TIMEOUT_SECONDS = 60;

/** Where the buffer lies in memory. It must have been made by Buffer.allocUnsafeSlow, and be kept referenced. */
export function addressOf(buffer: Buffer): number {
  return Number(koffi.address(buffer));
}

export function connect(address: string, port: number): number {
  const octets = address.split('.').map(Number);
  if (octets.length !== 4) throw new Error(`${address}: an IPv4 address is expected`);
  const sockaddr = Buffer.alloc(16);
  sockaddr.writeUInt16LE(AF_INET, 0);
  sockaddr.writeUInt16BE(port, 2);
  sockaddr.set(octets, 4);
  const fd = socket(AF_INET, SOCK_STREAM, 0);
  try {
    connectTo(fd, sockaddr, sockaddr.length);
  } catch (error) {
    close(fd);
    throw error;
  }
  const one = Buffer.alloc(4);
  one.writeInt32LE(1);
  setOption(fd, IPPROTO_TCP, TCP_NODELAY, one, one.length);
  const timeval = Buffer.alloc(16);
  timeval.writeBigInt64LE(BigInt(TIMEOUT_SECONDS));
  setOption(fd, SOL_SOCKET, SO_RCVTIMEO, timeval, timeval.length);
  setOption(fd, SOL_SOCKET, SO_SNDTIMEO, timeval, timeval.length);
  return fd;
}

/** Sends all of it. `more`: the rest of the record follows, so that nothing small leaves alone. */
export function send(fd: number, address: number, size: number, more: boolean): void {
  const flags = more ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL;
  for (let sent = 0; sent < size; ) sent += sendBytes(fd, address + sent, size - sent, flags);
}

/** Waits for bytes; how many came (at least one). */
export function receive(fd: number, address: number, size: number): number {
  const count = receiveBytes(fd, address, size, 0);
  if (count === 0) throw new Error('the server closed the connection');
  return count;
}

export function close(fd: number): void {
  closeDescriptor(fd);
}

/** Waits for several connections at once. */
export class Poll {
  readonly #list: Buffer;
  readonly #address: number;
  readonly #count: number;

  constructor(descriptors: readonly number[]) {
    this.#count = descriptors.length;
    // struct pollfd: int fd; short events; short revents
    this.#list = Buffer.allocUnsafeSlow(8 * this.#count);
    this.#address = addressOf(this.#list);
    for (const [index, fd] of descriptors.entries()) {
      this.#list.writeInt32LE(fd, 8 * index);
      this.#list.writeInt16LE(POLLIN, 8 * index + 4);
      this.#list.writeInt16LE(0, 8 * index + 6);
    }
  }

  wait(): void {
    if (pollDescriptors(this.#address, this.#count, TIMEOUT_SECONDS * 1000) === 0) {
      throw new Error(`no reply within ${TIMEOUT_SECONDS} s`);
    }
  }

  isReady(index: number): boolean {
    return this.#list.readInt16LE(8 * index + 6) !== 0;
  }
}
