/** UDP sockets with what Node's lack: the address that a datagram was sent to, and many datagrams in one call. */
import fs from 'node:fs';
import { addressOf, define, defineRaw } from './libc.ts';
import { isIpv6Socket } from './socket.ts';
import { ADDRESS_BYTES, AF_INET, AF_INET6, SocketAddress } from './socket-address.ts';

const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const SOL_IP = 0;
const SOL_IPV6 = 41;
const IPV6_V6ONLY = 26;
const IP_PKTINFO = 8;
const IPV6_RECVPKTINFO = 49;
const IPV6_PKTINFO = 50;
/** The kernel cuts what it is given into datagrams of a length: one way through its network code for all. */
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const SEGMENT_CMSG_BYTES = 18;
/** UDP_MAX_SEGMENTS of older kernels. */
const MAX_SEGMENTS = 64;
/** What UDP over IPv4 can carry at most. */
const MAX_TOGETHER_BYTES = 65507;
const EAGAIN = 11;
const ON = Int32Array.of(1);
const OFF = Int32Array.of(0);

const socket = define<[domain: number, type: number, protocol: number]>(
  'int socket(int domain, int type, int protocol)',
);
const bind = define<[fd: number, address: Buffer, length: number]>(
  'int bind(int fd, const void *addr, unsigned int len)',
);
const setsockopt = define<[fd: number, level: number, option: number, value: Int32Array, size: number]>(
  'int setsockopt(int fd, int level, int name, const void *value, unsigned int size)',
);
const getsockname = define<[fd: number, address: Buffer, length: Int32Array]>(
  'int getsockname(int fd, void *addr, void *len)',
);
const recvmsg = defineRaw<[fd: number, message: Uint32Array, flags: number]>(
  'long recvmsg(int fd, void *msg, int flags)',
);
const sendto = defineRaw<
  [fd: number, bytes: Buffer, size: number, flags: number, address: Buffer, length: number]
>('long sendto(int fd, const void *buf, size_t len, int flags, const void *addr, unsigned int addrlen)');
const sendmsg = defineRaw<[fd: number, message: Uint32Array, flags: number]>(
  'long sendmsg(int fd, const void *msg, int flags)',
);
/** A bound socket; port 0 is any free one. @throws SystemError EADDRNOTAVAIL for what is no address of ours */
export function openUdp(local: SocketAddress): number {
  const fd = socket(local.family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  try {
    // Whatever net.ipv6.bindv6only says, :: is all addresses.
    if (local.family === AF_INET6) setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, OFF, OFF.byteLength);
    bind(fd, local.bytes, local.length);
    return fd;
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

/** The address that a socket is bound to. */
export function localAddress(fd: number): SocketAddress {
  const address = SocketAddress.empty();
  getsockname(fd, address.bytes, Int32Array.of(ADDRESS_BYTES));
  return address;
}

/** @returns bytes sent, or the negative errno */
export function sendTo(fd: number, bytes: Buffer, peer: SocketAddress): number {
  return sendto(fd, bytes, bytes.length, MSG_DONTWAIT, peer.bytes, peer.length);
}

/** Index of a 32-bit word in struct msghdr. */
const Word = { name: 0, nameLength: 2, vector: 4, vectorLength: 6, control: 8, controlLength: 10 } as const;
const MSGHDR_WORDS = 14;
const IOVEC_BYTES = 16;
const IOVEC_WORDS = 4;
const TWO_32 = 0x1_0000_0000;

function putPointer(words: Uint32Array, index: number, address: number): void {
  words[index] = address;
  words[index + 1] = address / TWO_32;
}

function bytesOf(words: Uint32Array): Buffer {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength);
}

/** Receives datagrams, one at a time. What it received is valid until the next one. */
export class Receiver {
  readonly buffer: Buffer;
  readonly peer = SocketAddress.empty();
  private readonly control = Buffer.alloc(256);
  private readonly vector = new Uint32Array(IOVEC_WORDS);
  private readonly message = new Uint32Array(MSGHDR_WORDS);

  /** @param size bytes; what is behind them in a datagram is lost */
  constructor(size: number) {
    this.buffer = Buffer.alloc(size);
    putPointer(this.vector, 0, Number(addressOf(this.buffer)));
    this.vector[2] = size;
    putPointer(this.message, Word.name, Number(addressOf(this.peer.bytes)));
    putPointer(this.message, Word.vector, Number(addressOf(bytesOf(this.vector))));
    this.message[Word.vectorLength] = 1;
    putPointer(this.message, Word.control, Number(addressOf(this.control)));
  }

  /** @returns bytes in `buffer`, or the negative errno; -EAGAIN when there is none */
  receive(fd: number): number {
    this.message[Word.nameLength] = ADDRESS_BYTES;
    this.message[Word.controlLength] = this.control.length;
    return recvmsg(fd, this.message, MSG_DONTWAIT);
  }

  /**
   * Which of our addresses the datagram was sent to, with port 0; for sockets of tellDestination().
   *
   * @returns undefined for a broadcast or multicast
   */
  destination(): SocketAddress | undefined {
    const end = this.message[Word.controlLength] as number;
    // struct cmsghdr: size_t length with this header, int level, int type, and the data.
    for (let at = 0; at + 16 <= end; ) {
      const length = this.control.readUInt32LE(at);
      const level = this.control.readInt32LE(at + 8);
      const type = this.control.readInt32LE(at + 12);
      const data = this.control.subarray(at + 16, at + length);
      if (level === SOL_IP && type === IP_PKTINFO) return fromIpv4(data);
      if (level === SOL_IPV6 && type === IPV6_PKTINFO) {
        // A socket for both families tells of IPv4 here too, but not of broadcasts: the other one follows.
        const address = fromIpv6(data);
        if (address?.family !== AF_INET) return address;
      }
      at += Math.max((length + 7) & ~7, 16);
    }
    return undefined;
  }
}

/** struct in_pktinfo: interface, our address, the address in the datagram's header. */
function fromIpv4(data: Buffer): SocketAddress | undefined {
  const own = data.subarray(4, 8);
  return own.equals(data.subarray(8, 12)) ? SocketAddress.of(own, 0) : undefined;
}

/** struct in6_pktinfo: address, interface. */
function fromIpv6(data: Buffer): SocketAddress | undefined {
  const isMulticast = data[0] === 0xff;
  return isMulticast ? undefined : SocketAddress.of(data.subarray(0, 16), 0, data.readUInt32LE(16));
}

/** Makes a socket tell to which address each datagram was sent. */
export function tellDestination(fd: number): void {
  setsockopt(fd, SOL_IP, IP_PKTINFO, ON, ON.byteLength);
  if (isIpv6Socket(fd)) setsockopt(fd, SOL_IPV6, IPV6_RECVPKTINFO, ON, ON.byteLength);
}

/** Datagrams to one peer that go out together, of the same length but for the last one. */
export class Batch {
  private readonly headerBytes: number;
  private readonly headers: Buffer;
  /** Two for each datagram: header and data. */
  private readonly vectors: Uint32Array;
  private readonly vectorsAddress: number;
  private readonly message = new Uint32Array(MSGHDR_WORDS);
  /** struct cmsghdr, and then the length of a segment. */
  private readonly control = Uint32Array.of(SEGMENT_CMSG_BYTES, 0, SOL_UDP, UDP_SEGMENT, 0, 0);
  private count = 0;
  private bytes = 0;

  /** @param headerBytes each begins with so many bytes of its own */
  constructor(headerBytes: number) {
    this.headerBytes = headerBytes;
    this.headers = Buffer.alloc(MAX_SEGMENTS * headerBytes);
    this.vectors = new Uint32Array(MAX_SEGMENTS * 2 * IOVEC_WORDS);
    const headers = Number(addressOf(this.headers));
    for (let index = 0; index < MAX_SEGMENTS; index += 1) {
      const vector = index * 2 * IOVEC_WORDS;
      putPointer(this.vectors, vector, headers + index * headerBytes);
      this.vectors[vector + 2] = headerBytes;
    }
    this.vectorsAddress = Number(addressOf(bytesOf(this.vectors)));
    putPointer(this.message, Word.control, Number(addressOf(bytesOf(this.control))));
  }

  get length(): number {
    return this.count;
  }

  /** Whether a datagram with so many bytes of data can be added. One can always be added to an empty batch. */
  fits(size: number): boolean {
    const isShort = this.bytes + this.headerBytes + size <= MAX_TOGETHER_BYTES;
    return this.count === 0 || (isShort && this.count < MAX_SEGMENTS);
  }

  /**
   * Adds a datagram. The caller keeps the data alive and unchanged until they are sent.
   *
   * @param header a 32-bit number, in network order
   * @param data address of the bytes that follow
   */
  add(header: number, data: number, size: number): void {
    this.headers.writeUInt32BE(header, this.count * this.headerBytes);
    const vector = (this.count * 2 + 1) * IOVEC_WORDS;
    putPointer(this.vectors, vector, data);
    this.vectors[vector + 2] = size;
    this.count += 1;
    this.bytes += this.headerBytes + size;
  }

  /**
   * Sends them all, and is empty then.
   *
   * @param peerAddress where the peer's structure is in memory
   * @returns how many the kernel took, or the negative errno if it took none
   */
  send(fd: number, peerAddress: number, peerLength: number): number {
    const { count } = this;
    this.count = 0;
    this.bytes = 0;
    putPointer(this.message, Word.name, peerAddress);
    this.message[Word.nameLength] = peerLength;
    const result = this.sendPart(fd, 0, count);
    if (result >= 0) return count;
    if (count === 1 || result === -EAGAIN) return result;
    // They are too long for the way's frames, or its device computes no checksums: udp(7), UDP_SEGMENT.
    for (let index = 0; index < count; index += 1) {
      const one = this.sendPart(fd, index, 1);
      if (one < 0) return index > 0 ? index : one;
    }
    return count;
  }

  private sendPart(fd: number, first: number, count: number): number {
    putPointer(this.message, Word.vector, this.vectorsAddress + first * 2 * IOVEC_BYTES);
    this.message[Word.vectorLength] = count * 2;
    this.control[4] = this.headerBytes + (this.vectors[IOVEC_WORDS + 2] as number);
    this.message[Word.controlLength] = count > 1 ? this.control.byteLength : 0;
    return sendmsg(fd, this.message, MSG_DONTWAIT);
  }
}
