/**
 * Lists of clients, as allowed_clients and --allow have them: addresses, networks and host names, separated by blanks
 * or commas. An IPv4 address counts as the IPv6 address that it is mapped to (RFC 4291 §2.5.5.2), as in the server
 * that we replace: ::ffff:10.0.0.1 is 10.0.0.1, and ::/0 is everybody.
 */
import ipaddr from 'ipaddr.js';

export interface Network {
  readonly kind: 'network';
  /** 128 bits. */
  readonly address: bigint;
  /** Leading bits that count, of 128. */
  readonly prefix: number;
}

export interface HostName {
  readonly kind: 'name';
  readonly name: string;
}

export type Client = Network | HostName;

const BITS = 128;
const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}))*\.?$/;

export function splitClients(text: string): string[] {
  return text.split(/[\s,]+/).filter((client) => client !== '');
}

/** Undefined for what is no numeric address. The zone of fe80::1%eth0 does not count. */
export function addressNumber(text: string): bigint | undefined {
  const isAddress = ipaddr.isValid(text) && (text.includes(':') || ipaddr.IPv4.isValidFourPartDecimal(text));
  if (!isAddress) return undefined;
  const parsed = ipaddr.parse(text);
  const address = parsed instanceof ipaddr.IPv4 ? parsed.toIPv4MappedAddress() : parsed;
  return address.parts.reduce((number, part) => (number << 16n) | BigInt(part), 0n);
}

/** Bits of the mask, of `bits`: /24 or, for IPv4, /255.255.255.0. */
function prefixLength(mask: string, bits: number): number | undefined {
  if (/^\d{1,3}$/.test(mask)) return Number(mask) <= bits ? Number(mask) : undefined;
  if (bits !== 32 || !ipaddr.IPv4.isValidFourPartDecimal(mask)) return undefined;
  return ipaddr.IPv4.parse(mask).prefixLengthFromSubnetMask() ?? undefined;
}

/** An address, a network in either notation (CIDR or dotted mask), or a host name; undefined for what is none. */
export function parseClient(text: string): Client | undefined {
  const [start = '', mask, rest] = text.split('/');
  if (rest !== undefined) return undefined;
  const address = addressNumber(start);
  if (address === undefined) {
    const isName = mask === undefined && HOST_NAME.test(start) && !/^[\d.]+$/.test(start);
    return isName ? { kind: 'name', name: start } : undefined;
  }
  if (mask === undefined) return { kind: 'network', address, prefix: BITS };
  const bits = start.includes(':') ? BITS : 32;
  const prefix = prefixLength(mask, bits);
  return prefix === undefined ? undefined : { kind: 'network', address, prefix: BITS - bits + prefix };
}

export function isClient(text: string): boolean {
  return parseClient(text) !== undefined;
}

export function contains(network: Network, address: bigint): boolean {
  return (network.address ^ address) >> BigInt(BITS - network.prefix) === 0n;
}
