/**
 * What a virtual board's network consists of: DHCP, our TFTP server and our NFS servers, all at one address. QEMU's
 * user network alone would let the board reach every service of this machine and whatever this machine reaches.
 *
 * It also moves TFTP: U-Boot asks port 69, which QEMU's user network answers itself, and where we may not listen. So
 * towards QEMU the TFTP server is 127.0.0.1 with a port of ours, towards the board it is SERVER with port 69.
 */

/** 10.0.2.2, this machine's loopback in QEMU's user network. */
export const SERVER = '10.0.2.2';
const SERVER_ADDRESS = 0x0a000202;
const LOOPBACK = 0x7f000001;
const BROADCAST = 0xffffffff;
const DHCP_PORT = 67;
const TFTP_PORT = 69;

/** IEEE 802.3: two addresses of 6 bytes, the type, the payload. */
const ETHERNET = { type: 12, payload: 14 } as const;
const TYPE = { ipv4: 0x0800, arp: 0x0806 } as const;
/** RFC 791 §3.1, offsets from the header's start. */
const IP = {
  length: 2,
  fragment: 6,
  protocol: 9,
  checksum: 10,
  source: 12,
  destination: 16,
  header: 20,
} as const;
const PROTOCOL = { icmp: 1, tcp: 6, udp: 17 } as const;
/** More fragments, or not the first one. */
const IS_FRAGMENT = 0x3fff;
/** RFC 768; RFC 9293 §3.1 has the ports at the same place. */
const UDP = { source: 0, destination: 2, checksum: 6, header: 8 } as const;

/** A transfer that is silent for so long is over (RFC 7440 and U-Boot's patience are far less). */
const FORGET_MS = 60_000;
const MAX_TRANSFERS = 256;

export interface Services {
  /** UDP, on 127.0.0.1. */
  readonly tftpPort: number;
  /** Whether it is an NFS server's: TCP, on 127.0.0.1. */
  isNfsPort(port: number): boolean;
}

interface Packet {
  /** From the IP header on. */
  readonly bytes: Buffer;
  readonly protocol: number;
  readonly source: number;
  readonly destination: number;
  /** Where the payload begins: the header of UDP or TCP. */
  readonly payload: number;
}

/** undefined for what is no complete IPv4 packet: a fragment has no ports, so it could be anything. */
function parsePacket(frame: Buffer): Packet | undefined {
  const bytes = frame.subarray(ETHERNET.payload);
  if (bytes.length < IP.header + UDP.header || bytes.readUInt8(0) >> 4 !== 4) return undefined;
  const payload = (bytes.readUInt8(0) & 0x0f) * 4;
  const length = bytes.readUInt16BE(IP.length);
  const fits = payload >= IP.header && payload + UDP.header <= length && length <= bytes.length;
  if (!fits || (bytes.readUInt16BE(IP.fragment) & IS_FRAGMENT) !== 0) return undefined;
  return {
    bytes,
    protocol: bytes.readUInt8(IP.protocol),
    source: bytes.readUInt32BE(IP.source),
    destination: bytes.readUInt32BE(IP.destination),
    payload,
  };
}

/** RFC 1071 */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum >>> 16) + (sum & 0xffff);
  return ~sum & 0xffff;
}

/** Replaces one end of a UDP packet. */
function readdress(
  { bytes, payload }: Packet,
  end: 'source' | 'destination',
  address: number,
  port: number,
): void {
  bytes.writeUInt32BE(address, IP[end]);
  bytes.writeUInt16BE(0, IP.checksum);
  bytes.writeUInt16BE(checksum(bytes.subarray(0, payload)), IP.checksum);
  bytes.writeUInt16BE(port, payload + UDP[end]);
  // RFC 768: zero means that the sender made none.
  bytes.writeUInt16BE(0, payload + UDP.checksum);
}

/** Keys that were used lately; the oldest gives way to a new one. */
class Recent {
  readonly #usedMs = new Map<number, number>();

  use(key: number): void {
    this.#usedMs.delete(key);
    this.#usedMs.set(key, performance.now());
    const [oldest] = this.#usedMs.keys();
    if (this.#usedMs.size > MAX_TRANSFERS && oldest !== undefined) this.#usedMs.delete(oldest);
  }

  has(key: number): boolean {
    return performance.now() - (this.#usedMs.get(key) ?? -FORGET_MS) < FORGET_MS;
  }
}

export class FrameFilter {
  readonly #services: Services;
  /** The board's ports that have asked the TFTP server. */
  readonly #clients = new Recent();
  /** With the server's port for the transfer (RFC 1350 §4) in the upper half. */
  readonly #transfers = new Recent();

  constructor(services: Services) {
    this.#services = services;
  }

  /** Whether the board may send it. Changes it in place. */
  readonly fromBoard = (frame: Buffer): boolean => {
    if (frame.length < ETHERNET.payload) return false;
    const type = frame.readUInt16BE(ETHERNET.type);
    if (type === TYPE.arp) return true;
    const packet = type === TYPE.ipv4 ? parsePacket(frame) : undefined;
    if (packet === undefined) return false;
    if (packet.protocol === PROTOCOL.udp) return this.#udpFromBoard(packet);
    if (packet.destination !== SERVER_ADDRESS) return false;
    if (packet.protocol === PROTOCOL.icmp) return true;
    const port = packet.bytes.readUInt16BE(packet.payload + UDP.destination);
    return packet.protocol === PROTOCOL.tcp && this.#services.isNfsPort(port);
  };

  /** Whether the board is to get it. Changes it in place. */
  readonly toBoard = (frame: Buffer): boolean => {
    if (frame.length < ETHERNET.payload) return false;
    const type = frame.readUInt16BE(ETHERNET.type);
    if (type === TYPE.arp) return true;
    const packet = type === TYPE.ipv4 ? parsePacket(frame) : undefined;
    if (packet === undefined) return false;
    if (packet.protocol === PROTOCOL.udp) return this.#udpToBoard(packet);
    return packet.source === SERVER_ADDRESS;
  };

  /** QEMU listens on all addresses of this machine for the board's ports: anybody could send something there. */
  #udpToBoard(packet: Packet): boolean {
    const server = packet.bytes.readUInt16BE(packet.payload + UDP.source);
    const client = packet.bytes.readUInt16BE(packet.payload + UDP.destination);
    if (packet.source === SERVER_ADDRESS) return server === DHCP_PORT;
    if (packet.source !== LOOPBACK || !this.#clients.has(client)) return false;
    this.#transfers.use((server << 16) | client);
    readdress(packet, 'source', SERVER_ADDRESS, server === this.#services.tftpPort ? TFTP_PORT : server);
    return true;
  }

  #udpFromBoard(packet: Packet): boolean {
    const { bytes, payload, destination } = packet;
    const client = bytes.readUInt16BE(payload + UDP.source);
    const server = bytes.readUInt16BE(payload + UDP.destination);
    if (server === DHCP_PORT) return destination === BROADCAST || destination === SERVER_ADDRESS;
    if (destination !== SERVER_ADDRESS) return false;
    if (server === TFTP_PORT) {
      this.#clients.use(client);
      readdress(packet, 'destination', LOOPBACK, this.#services.tftpPort);
      return true;
    }
    const transfer = (server << 16) | client;
    if (!this.#transfers.has(transfer)) return false;
    this.#clients.use(client);
    this.#transfers.use(transfer);
    readdress(packet, 'destination', LOOPBACK, server);
    return true;
  }
}
