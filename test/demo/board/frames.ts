/** Ethernet frames as a board may send them, for tests: IPv4 with UDP or TCP, right or wrong. */
import { isIPv4 } from 'node:net';

export interface PacketFields {
  readonly protocol: number;
  readonly source?: string;
  readonly destination: string;
  /** The word with flags and fragment offset. RFC 791 §3.1 */
  readonly fragment?: number;
  /** Bytes; a multiple of 4. */
  readonly options?: Buffer;
  /** If it is to lie. */
  readonly length?: number;
  readonly payload: Buffer;
}

const BOARD_MAC = Buffer.from('525252525252', 'hex');
/** libslirp's, of its 10.0.2.2. */
const GATEWAY_MAC = Buffer.from('52550a000202', 'hex');
export const BOARD = '10.0.2.15';
export const TCP = 6;
export const UDP = 17;

export function address(text: string): Buffer {
  if (!isIPv4(text)) throw new TypeError(text);
  return Buffer.from(text.split('.').map(Number));
}

/** RFC 1071 */
function checksum(bytes: Buffer): number {
  const even = bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(1)]);
  let sum = 0;
  for (let at = 0; at < even.length; at += 2) sum = (sum + even.readUInt16BE(at)) % 0xffff;
  return 0xffff - sum;
}

export function ethernet(type: number, payload: Buffer): Buffer {
  const types = Buffer.alloc(2);
  types.writeUInt16BE(type);
  return Buffer.concat([GATEWAY_MAC, BOARD_MAC, types, payload]);
}

export function ipv4(fields: PacketFields): Buffer {
  const { protocol, source = BOARD, destination, fragment = 0, options = Buffer.alloc(0), payload } = fields;
  const header = Buffer.concat([Buffer.alloc(20), options]);
  header[0] = 0x40 | (header.length / 4);
  header.writeUInt16BE(fields.length ?? header.length + payload.length, 2);
  header.writeUInt16BE(fragment, 6);
  header[8] = 64;
  header[9] = protocol;
  address(source).copy(header, 12);
  address(destination).copy(header, 16);
  header.writeUInt16BE(checksum(header), 10);
  return ethernet(0x0800, Buffer.concat([header, payload]));
}

export function udpPayload(sourcePort: number, destinationPort: number, data: string | Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(sourcePort, 0);
  header.writeUInt16BE(destinationPort, 2);
  header.writeUInt16BE(8 + data.length, 4);
  return Buffer.concat([header, Buffer.from(data)]);
}

export function udp(
  destination: string,
  ports: readonly [from: number, to: number],
  data: string | Buffer,
): Buffer {
  return ipv4({ protocol: UDP, destination, payload: udpPayload(...ports, data) });
}

const SYN = 0x02;

/** The first segment of a connection, whose checksum is right for this source and destination. */
export function synPayload(destination: string, ports: readonly [from: number, to: number]): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(ports[0], 0);
  header.writeUInt16BE(ports[1], 2);
  header[12] = 0x50;
  header[13] = SYN;
  header.writeUInt16BE(0xffff, 14);
  const pseudo = Buffer.concat([address(BOARD), address(destination), Buffer.from([0, TCP, 0, 20]), header]);
  header.writeUInt16BE(checksum(pseudo), 16);
  return header;
}

export function syn(destination: string, ports: readonly [from: number, to: number]): Buffer {
  return ipv4({ protocol: TCP, destination, payload: synPayload(destination, ports) });
}

/** What a frame of IPv4 with UDP or TCP says. */
export function parse(frame: Buffer) {
  const ip = frame.subarray(14);
  const header = ip.subarray(0, (ip.readUInt8(0) & 0xf) * 4);
  const payload = ip.subarray(header.length, ip.readUInt16BE(2));
  const dotted = (at: number) => ip.subarray(at, at + 4).join('.');
  return {
    protocol: ip.readUInt8(9),
    headerIsRight: checksum(header) % 0xffff === 0,
    source: dotted(12),
    destination: dotted(16),
    sourcePort: payload.readUInt16BE(0),
    destinationPort: payload.readUInt16BE(2),
    udpData: payload.subarray(8),
    tcpFlags: payload.length >= 20 ? payload.readUInt8(13) : 0,
  };
}
