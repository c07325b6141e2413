/** Addresses of IPv4 and IPv6 sockets as the kernel has them: struct sockaddr_in and sockaddr_in6. ip(7), ipv6(7) */
import ipaddr from 'ipaddr.js';

export const AF_INET = 2;
export const AF_INET6 = 10;
/** The longer of both. */
export const ADDRESS_BYTES = 28;
const IPV4_BYTES = 16;
/** Where they are in the structures, bytes. */
const PORT_AT = 2;
const IPV4_AT = 4;
const IPV6_AT = 8;
const SCOPE_AT = 24;
/** ::ffff: of an IPv4 address on a socket for both families. RFC 4291 §2.5.5.2 */
const MAPPED = Buffer.from('00000000000000000000ffff', 'hex');

export class SocketAddress {
  /** The structure. Numbers are in network order, but for the family and the scope. */
  readonly bytes: Buffer;
  /** The same, for comparisons; its last word is unused for IPv4. */
  private readonly words: Int32Array;

  private constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.words = new Int32Array(bytes.buffer, bytes.byteOffset, ADDRESS_BYTES / 4);
  }

  /** What a system call fills. */
  static empty(): SocketAddress {
    return new SocketAddress(Buffer.alloc(ADDRESS_BYTES));
  }

  /**
   * @param address 4 or 16 bytes; an IPv4 address that is mapped to IPv6 counts as IPv4
   * @param scope number of the interface for link-local ones
   */
  static of(address: Uint8Array, port: number, scope = 0): SocketAddress {
    const isMapped = address.length === 16 && MAPPED.equals(address.subarray(0, MAPPED.length));
    const plain = isMapped ? address.subarray(MAPPED.length) : address;
    const isIpv4 = plain.length === 4;
    const { bytes } = SocketAddress.empty();
    bytes[0] = isIpv4 ? AF_INET : AF_INET6;
    bytes.writeUInt16BE(port, PORT_AT);
    bytes.set(plain, isIpv4 ? IPV4_AT : IPV6_AT);
    if (!isIpv4 && isLinkLocal(plain)) bytes.writeUInt32LE(scope, SCOPE_AT);
    return new SocketAddress(bytes);
  }

  /** As it is now; what it was mapped from does not show. */
  copy(): SocketAddress {
    return SocketAddress.of(this.address, this.port, this.scope);
  }

  get family(): number {
    return this.bytes[0] as number;
  }

  get port(): number {
    return this.bytes.readUInt16BE(PORT_AT);
  }

  /** Of the structure, bytes. */
  get length(): number {
    return this.family === AF_INET ? IPV4_BYTES : ADDRESS_BYTES;
  }

  /** 4 or 16 bytes. */
  get address(): Buffer {
    const at = this.family === AF_INET ? IPV4_AT : IPV6_AT;
    return this.bytes.subarray(at, this.family === AF_INET ? at + 4 : SCOPE_AT);
  }

  /** Number of the interface of a link-local address. */
  get scope(): number {
    return this.family === AF_INET ? 0 : this.bytes.readUInt32LE(SCOPE_AT);
  }

  /** Numeric, without scope and port. RFC 5952 */
  get text(): string {
    const parsed = ipaddr.fromByteArray([...this.address]);
    return parsed instanceof ipaddr.IPv6 ? parsed.toRFC5952String() : parsed.toString();
  }

  /** Whether address, port and scope are the same. */
  equals(other: SocketAddress): boolean {
    const [mine, its] = [this.words, other.words];
    if (mine[0] !== its[0]) return false;
    if (this.family === AF_INET) return mine[1] === its[1];
    // The flow label between them does not count.
    return (
      mine[2] === its[2] &&
      mine[3] === its[3] &&
      mine[4] === its[4] &&
      mine[5] === its[5] &&
      mine[6] === its[6]
    );
  }
}

function isLinkLocal(address: Uint8Array): boolean {
  return address[0] === 0xfe && ((address[1] as number) & 0xc0) === 0x80;
}
