/** TFTP packets: RFC 1350 §5, and the option acknowledgment of RFC 2347. Knows nothing of sockets. */
import { ErrorCode, TftpError } from './errors.ts';

export const Opcode = { RRQ: 1, WRQ: 2, DATA: 3, ACK: 4, ERROR: 5, OACK: 6 } as const;

/** Opcode and block number, or error code. */
export const HEADER_BYTES = 4;
/** RFC 2347: "the maximum size of a request packet is 512 octets". Some boot ROMs pad theirs. */
export const MAX_REQUEST_BYTES = 1024;
const MAX_MESSAGE_BYTES = 128;

export type Mode = 'octet' | 'netascii';

export interface ReadRequest {
  /** Any bytes but NUL. */
  readonly name: Buffer;
  readonly mode: Mode;
  /** By their names in lower case, the first of each. */
  readonly options: ReadonlyMap<string, string>;
  /** As it came. */
  readonly packet: Buffer;
}

/** The strings of a request, without their NULs. @throws TftpError when the last one has none */
function strings(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0, at);
    if (end < 0) throw new TftpError(ErrorCode.illegalOperation, 'Request is cut off');
    found.push(bytes.subarray(at, end));
    at = end + 1;
  }
  return found;
}

function modeOf(text: string): Mode {
  const mode = text.toLowerCase();
  if (mode === 'octet' || mode === 'netascii') return mode;
  // RFC 1123 §4.2.2.1: mail should not be supported.
  throw new TftpError(ErrorCode.illegalOperation, 'Mode must be octet or netascii');
}

function optionsOf(words: readonly Buffer[]): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  for (let index = 0; index < words.length; index += 2) {
    const name = words[index]?.toString('latin1').toLowerCase() ?? '';
    // Padding, as some boot ROMs have it.
    if (name === '') break;
    const value = words[index + 1];
    if (value === undefined) throw new TftpError(ErrorCode.optionsRefused, 'Option without a value');
    if (!options.has(name)) options.set(name, value.toString('latin1'));
  }
  return options;
}

/** Whether what came to the port where requests go may get an answer. One to an error might be answered itself. */
export function isAnswerable(packet: Buffer): boolean {
  return packet.length >= 2 && packet.readUInt16BE() !== Opcode.ERROR;
}

/**
 * What came to the port where requests go, if it is answerable.
 *
 * @throws TftpError for what gets an error packet
 */
export function parseRequest(packet: Buffer): ReadRequest {
  const opcode = packet.readUInt16BE();
  if (opcode === Opcode.WRQ) throw new TftpError(ErrorCode.accessViolation, 'This server is read-only');
  if (opcode !== Opcode.RRQ || packet.length > MAX_REQUEST_BYTES) {
    throw new TftpError(ErrorCode.illegalOperation, 'Illegal TFTP operation');
  }
  const [name, mode, ...options] = strings(packet.subarray(2));
  if (name === undefined || mode === undefined) {
    throw new TftpError(ErrorCode.illegalOperation, 'Request without name or mode');
  }
  return { name, mode: modeOf(mode.toString('latin1')), options: optionsOf(options), packet };
}

/** What a client sends during its transfer. */
export type Answer =
  | { readonly kind: 'ack'; readonly block: number }
  | { readonly kind: 'error'; readonly code: number; readonly message: string }
  | { readonly kind: 'illegal' };

const ILLEGAL: Answer = { kind: 'illegal' };
/** One object for all: they come by the thousand. */
const ack: { kind: 'ack'; block: number } = { kind: 'ack', block: 0 };

/** @returns valid until the next call */
export function parseAnswer(packet: Buffer, length: number): Answer {
  if (length < HEADER_BYTES || packet[0] !== 0) return ILLEGAL;
  const number = ((packet[2] as number) << 8) | (packet[3] as number);
  if (packet[1] === Opcode.ACK) {
    ack.block = number;
    return ack;
  }
  if (packet[1] !== Opcode.ERROR) return ILLEGAL;
  const end = packet.indexOf(0, HEADER_BYTES);
  const message = packet.toString('latin1', HEADER_BYTES, end < 0 ? length : Math.min(end, length));
  return { kind: 'error', code: number, message: message.slice(0, MAX_MESSAGE_BYTES) };
}

export function errorPacket({ code, message }: TftpError): Buffer {
  return Buffer.from(`\0${String.fromCharCode(Opcode.ERROR, 0, code)}${message}\0`, 'latin1');
}

export function oackPacket(options: readonly (readonly [name: string, value: number])[]): Buffer {
  const pairs = options.map(([name, value]) => `${name}\0${value}\0`);
  return Buffer.from(`\0${String.fromCharCode(Opcode.OACK)}${pairs.join('')}`, 'latin1');
}

/** The first four bytes of a DATA packet as a number. RFC 1350 does not say what follows 65535: 0, as most have it. */
export function dataHeader(block: number): number {
  return Opcode.DATA * 0x1_0000 + (block & 0xffff);
}
