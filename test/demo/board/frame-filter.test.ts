import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameFilter } from '../../../src/demo/board/frame-filter.ts';
import { BOARD, ethernet, ipv4, parse, syn, synPayload, TCP, UDP, udp, udpPayload } from './frames.ts';

const TFTP_PORT = 40069;
const NFS_PORT = 20490;
const ICMP = 1;
const services = { tftpPort: TFTP_PORT, isNfsPort: (port: number) => port === NFS_PORT };

function passes(frame: Buffer): boolean {
  return new FrameFilter(services).fromBoard(frame);
}

test.each([
  ['ARP', ethernet(0x0806, Buffer.alloc(28))],
  [
    'DHCP',
    ipv4({
      protocol: UDP,
      source: '0.0.0.0',
      destination: '255.255.255.255',
      payload: udpPayload(68, 67, 'x'),
    }),
  ],
  ['DHCP, renewed', udp('10.0.2.2', [68, 67], 'x')],
  ['a ping', ipv4({ protocol: ICMP, destination: '10.0.2.2', payload: Buffer.alloc(8) })],
  ['a request by TFTP', udp('10.0.2.2', [2000, 69], 'x')],
  ['NFS', syn('10.0.2.2', [1000, NFS_PORT])],
  [
    'NFS, with options in the header',
    ipv4({
      protocol: TCP,
      destination: '10.0.2.2',
      options: Buffer.alloc(4),
      payload: synPayload('10.0.2.2', [1000, NFS_PORT]),
    }),
  ],
])('%s passes', (_name, frame) => {
  expect(passes(frame)).toBe(true);
});

test.each([
  ['another port', syn('10.0.2.2', [1000, 22])],
  ['the NFS port by UDP', udp('10.0.2.2', [1000, NFS_PORT], 'x')],
  ['the TFTP port by its real number', udp('10.0.2.2', [2000, TFTP_PORT], 'x')],
  ['TFTP by TCP', syn('10.0.2.2', [1000, 69])],
  ['the name server', udp('10.0.2.3', [2000, 53], 'x')],
  ['the port of TFTP at the name server', udp('10.0.2.3', [2000, 69], 'x')],
  ['the loopback address', syn('127.0.0.1', [1000, NFS_PORT])],
  ['another address', syn('192.0.2.1', [1000, NFS_PORT])],
  ['a ping of another address', ipv4({ protocol: ICMP, destination: '192.0.2.1', payload: Buffer.alloc(8) })],
  ['DHCP elsewhere', udp('192.0.2.1', [68, 67], 'x')],
  ["QEMU's own TFTP", udp('255.255.255.255', [2000, 69], 'x')],
  [
    'a first fragment',
    ipv4({ protocol: UDP, destination: '10.0.2.2', fragment: 0x2000, payload: udpPayload(2000, 69, 'x') }),
  ],
  [
    'a last fragment',
    ipv4({ protocol: UDP, destination: '10.0.2.2', fragment: 1, payload: udpPayload(2000, 69, 'x') }),
  ],
  [
    'the right port behind options that count as the header',
    ipv4({
      protocol: TCP,
      destination: '10.0.2.2',
      options: synPayload('10.0.2.2', [1000, NFS_PORT]),
      payload: synPayload('10.0.2.2', [1000, 22]),
    }),
  ],
  [
    'a length beyond the end',
    ipv4({
      protocol: TCP,
      destination: '10.0.2.2',
      length: 41,
      payload: synPayload('10.0.2.2', [1000, NFS_PORT]),
    }),
  ],
  [
    'a length that ends before the ports',
    ipv4({
      protocol: TCP,
      destination: '10.0.2.2',
      length: 20,
      payload: synPayload('10.0.2.2', [1000, NFS_PORT]),
    }),
  ],
  [
    'another protocol',
    ipv4({ protocol: 132, destination: '10.0.2.2', payload: synPayload('10.0.2.2', [1000, NFS_PORT]) }),
  ],
  ['IPv6', ethernet(0x86dd, syn('10.0.2.2', [1000, NFS_PORT]).subarray(14))],
  ['IPv6 that says it is IPv4', ethernet(0x0800, Buffer.alloc(60, 0x65))],
  [
    'a VLAN',
    ethernet(
      0x8100,
      Buffer.concat([Buffer.from('00010800', 'hex'), syn('10.0.2.2', [1000, NFS_PORT]).subarray(14)]),
    ),
  ],
  ['half an address', Buffer.alloc(13)],
  ['nothing', Buffer.alloc(0)],
])('%s does not pass', (_name, frame) => {
  expect(passes(frame)).toBe(false);
});

test('a transfer by TFTP, from the port that the server chose', () => {
  const filter = new FrameFilter(services);
  const early = udp('10.0.2.2', [2000, 50000], 'ack');
  expect(filter.fromBoard(early)).toBe(false);
  const request = udp('10.0.2.2', [2000, 69], 'request');
  expect(filter.fromBoard(request)).toBe(true);
  expect(parse(request)).toMatchObject({
    headerIsRight: true,
    source: BOARD,
    destination: '127.0.0.1',
    sourcePort: 2000,
    destinationPort: TFTP_PORT,
    udpData: Buffer.from('request'),
  });
  const reply = (port: number, client: number) =>
    ipv4({
      protocol: UDP,
      source: '127.0.0.1',
      destination: BOARD,
      payload: udpPayload(port, client, 'data'),
    });
  const data = reply(50000, 2000);
  expect(filter.toBoard(data)).toBe(true);
  expect(parse(data)).toMatchObject({
    headerIsRight: true,
    source: '10.0.2.2',
    sourcePort: 50000,
    destinationPort: 2000,
  });
  const acknowledgement = udp('10.0.2.2', [2000, 50000], 'ack');
  expect(filter.fromBoard(acknowledgement)).toBe(true);
  expect(parse(acknowledgement)).toMatchObject({
    headerIsRight: true,
    destination: '127.0.0.1',
    destinationPort: 50000,
  });
  // From another port of the board, to another one of the server, and what nobody asked for.
  expect(filter.fromBoard(udp('10.0.2.2', [2001, 50000], 'ack'))).toBe(false);
  expect(filter.fromBoard(udp('10.0.2.2', [2000, 50001], 'ack'))).toBe(false);
  expect(filter.toBoard(reply(50000, 2002))).toBe(false);
  // What comes from the server's own port is from port 69.
  const error = reply(TFTP_PORT, 2000);
  expect(filter.toBoard(error)).toBe(true);
  expect(parse(error)).toMatchObject({ source: '10.0.2.2', sourcePort: 69 });
});

test('the board gets what the user network itself sends', () => {
  const filter = new FrameFilter(services);
  const segment = ipv4({
    protocol: TCP,
    source: '10.0.2.2',
    destination: BOARD,
    payload: synPayload(BOARD, [NFS_PORT, 1000]),
  });
  const before = Buffer.from(segment);
  expect(filter.toBoard(segment)).toBe(true);
  expect(segment).toEqual(before);
  expect(filter.toBoard(ethernet(0x0806, Buffer.alloc(28)))).toBe(true);
  expect(filter.toBoard(datagram('10.0.2.2', 67, 68))).toBe(true);
});

function datagram(source: string, from: number, to: number): Buffer {
  return ipv4({ protocol: UDP, source, destination: BOARD, payload: udpPayload(from, to, 'x') });
}

test('the board gets nothing that somebody else has sent', () => {
  const filter = new FrameFilter(services);
  // QEMU listens for the answers of the server that the board asks, on all addresses of this machine.
  expect(filter.fromBoard(udp('10.0.2.2', [2000, 69], 'x'))).toBe(true);
  expect(filter.toBoard(datagram('192.0.2.1', 50000, 2000))).toBe(false);
  expect(filter.toBoard(datagram('10.0.2.2', 50000, 2000))).toBe(false);
  expect(filter.toBoard(datagram('127.0.0.1', 50000, 2000))).toBe(true);
  expect(filter.toBoard(datagram('192.0.2.1', 67, 68))).toBe(false);
  const ping = { protocol: ICMP, destination: BOARD, payload: Buffer.alloc(8) };
  expect(filter.toBoard(ipv4({ ...ping, source: '10.0.2.2' }))).toBe(true);
  expect(filter.toBoard(ipv4({ ...ping, source: '192.0.2.1' }))).toBe(false);
  expect(filter.toBoard(ethernet(0x86dd, Buffer.alloc(60)))).toBe(false);
});

test('many askers are remembered, and not all', () => {
  const filter = new FrameFilter(services);
  for (let port = 1000; port < 1300; port++) filter.fromBoard(udp('10.0.2.2', [port, 69], 'x'));
  const reply = (client: number) =>
    ipv4({ protocol: UDP, source: '127.0.0.1', destination: BOARD, payload: udpPayload(50000, client, 'x') });
  expect(filter.toBoard(reply(1299))).toBe(true);
  expect(filter.toBoard(reply(1044))).toBe(true);
  expect(filter.toBoard(reply(1043))).toBe(false);
});

/** Frames that are nearly right. */
const frames = fc
  .record({
    protocol: fc.constantFrom(TCP, UDP, ICMP, 2),
    destination: fc.constantFrom('10.0.2.2', '10.0.2.3', '127.0.0.1', '255.255.255.255', '192.0.2.1'),
    fragment: fc.constantFrom(0, 0, 0x4000, 0x2000, 1),
    options: fc.nat(10).map((words) => Buffer.alloc(words * 4)),
    ports: fc.tuple(fc.nat(65535), fc.constantFrom(22, 53, 67, 69, NFS_PORT, TFTP_PORT)),
    broken: fc.option(fc.tuple(fc.nat(33), fc.nat(255)), { nil: undefined }),
    size: fc.nat(80),
  })
  .map(({ ports, broken, size, ...fields }) => {
    const frame = ipv4({ ...fields, payload: udpPayload(...ports, Buffer.alloc(32)) });
    if (broken) frame[broken[0]] = broken[1];
    return frame.subarray(0, Math.max(frame.length - size, 0));
  });

test('whatever the board sends, only what is meant for our servers comes out', () => {
  fc.assert(
    fc.property(fc.oneof(frames, fc.uint8Array({ maxLength: 80 }).map(Buffer.from)), (frame) => {
      if (!passes(frame) || frame.readUInt16BE(12) === 0x0806) return;
      expect(frame.readUInt16BE(12)).toBe(0x0800);
      expect(frame.readUInt16BE(20) & 0x3fff).toBe(0);
      const { protocol, destination, destinationPort } = parse(frame);
      const to =
        protocol === ICMP ? `${ICMP} ${destination}` : `${protocol} ${destination}:${destinationPort}`;
      expect([
        `${ICMP} 10.0.2.2`,
        `${UDP} 255.255.255.255:67`,
        `${UDP} 10.0.2.2:67`,
        `${UDP} 127.0.0.1:${TFTP_PORT}`,
        `${TCP} 10.0.2.2:${NFS_PORT}`,
      ]).toContain(to);
    }),
    { numRuns: 2000 },
  );
});
