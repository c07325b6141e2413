import { describe, expect, it } from 'vitest';
import { AF_INET, AF_INET6, SocketAddress } from '../../src/system/socket-address.ts';

const ipv6 = (hex: string) => Buffer.from(hex.padEnd(32, '0'), 'hex');
const MAPPED = Buffer.from('00000000000000000000ffffc0000201', 'hex');

describe('an address', () => {
  it.each([
    ['IPv4', Buffer.of(192, 0, 2, 1), AF_INET, 16, '192.0.2.1'],
    ['IPv6', ipv6('20010db8'), AF_INET6, 28, '2001:db8::'],
    ['IPv4 on a socket for both', MAPPED, AF_INET, 16, '192.0.2.1'],
  ])('of %s', (_, bytes, family, length, text) => {
    const address = SocketAddress.of(bytes, 0x1234);
    expect([address.family, address.length, address.text, address.port]).toEqual([
      family,
      length,
      text,
      0x1234,
    ]);
    expect(address.bytes.subarray(2, 4).toString('hex')).toBe('1234');
  });

  it('has its interface where it is a link-local one', () => {
    const local = SocketAddress.of(ipv6('fe80'), 69, 7);
    expect([local.scope, local.text, local.copy().scope]).toEqual([7, 'fe80::', 7]);
    expect(SocketAddress.of(ipv6('20010db8'), 69, 7).scope).toBe(0);
  });

  it('is the same as another one with the same port and interface only', () => {
    const same = (one: SocketAddress, other: SocketAddress) => [one.equals(other), other.equals(one)];
    const [loopback, other] = [Buffer.of(127, 0, 0, 1), Buffer.of(127, 0, 0, 2)];
    const one = SocketAddress.of(loopback, 1);
    expect(same(one, SocketAddress.of(loopback, 1))).toEqual([true, true]);
    expect(same(one, SocketAddress.of(loopback, 2))).toEqual([false, false]);
    expect(same(one, SocketAddress.of(other, 1))).toEqual([false, false]);
    expect(same(one, SocketAddress.of(ipv6('7f000001'), 1))).toEqual([false, false]);
    const local = SocketAddress.of(ipv6('fe80'), 1, 2);
    expect(same(local, SocketAddress.of(ipv6('fe80'), 1, 2))).toEqual([true, true]);
    expect(same(local, SocketAddress.of(ipv6('fe80'), 1, 3))).toEqual([false, false]);
    expect(same(local, SocketAddress.of(ipv6('fe81'), 1, 2))).toEqual([false, false]);
  });

  it('does not differ by its flow label', () => {
    const [one, other] = [SocketAddress.of(ipv6('20010db8'), 1), SocketAddress.of(ipv6('20010db8'), 1)];
    other.bytes.writeUInt32BE(0x12345, 4);
    expect(one.equals(other)).toBe(true);
  });
});
