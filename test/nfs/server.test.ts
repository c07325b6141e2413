import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { duplicate } from '../../src/system/socket.ts';
import { Procedure } from './rpc/fake-program.ts';
import { call, opaqueBytes, record, words } from './rpc/rpc-calls.ts';
import { callByDatagram, eventually, type FakeServer, startFakeServer, TcpClient } from './rpc/rpc-client.ts';

const { nothing, echo, later, bug, whoAmI, read } = Procedure;
const NULL = record(call({ xid: 3, procedure: nothing }));

let server: FakeServer | undefined;

async function start(...options: Parameters<typeof startFakeServer>): Promise<FakeServer> {
  server = await startFakeServer(...options);
  return server;
}

afterEach(async () => {
  await server?.close(100);
  server = undefined;
});

/** Node tells the descriptor of a socket to nobody. */
function descriptorOf(open: object): number {
  const symbols = Object.getOwnPropertySymbols(open).map(
    (symbol) => (open as Record<symbol, unknown>)[symbol],
  );
  const fds = [open, ...symbols].map((part) => {
    const holder = part as { _handle?: { fd: number }; handle?: { fd: number } } | undefined;
    return (holder?._handle ?? holder?.handle)?.fd;
  });
  return fds.find((fd) => fd !== undefined) ?? -1;
}

it('answers on one port by TCP and UDP, IPv4 and IPv6', async () => {
  const { port } = await start({}, 'all');
  for (const host of ['127.0.0.1', '::1']) {
    const client = await TcpClient.connect(port, host);
    expect(await client.call(NULL)).toMatchObject({ xid: 3, status: 'SUCCESS' });
    client.close();
    expect(await callByDatagram(port, call({ xid: 4, procedure: nothing }), host)).toMatchObject({
      xid: 4,
      status: 'SUCCESS',
    });
  }
});

it('tells procedures where a call comes from, IPv4 addresses as such', async () => {
  const peers: unknown[] = [];
  const { port } = await start(
    {
      contextOf: (credentials, { address, port: from, transport }) => {
        peers.push({ address, transport, privileged: from < 1024 });
        return { credentials, peer: { address, port: from, transport, turn: -1, isAlone: false } };
      },
    },
    'all',
  );
  const client = await TcpClient.connect(port);
  await client.call(record(call({ procedure: whoAmI })));
  client.close();
  await callByDatagram(port, call({ procedure: whoAmI }));
  expect(peers).toEqual([
    { address: '127.0.0.1', transport: 'tcp', privileged: false },
    { address: '127.0.0.1', transport: 'udp', privileged: false },
  ]);
});

it('serves nobody who is not admitted', async () => {
  const asked: string[] = [];
  let isOpen = true;
  const { port } = await start(
    {
      admit: (address, from) => {
        asked.push(`${address} ${from > 0}`);
        return isOpen;
      },
    },
    'all',
  );
  const early = await TcpClient.connect(port);
  isOpen = false;
  const client = await TcpClient.connect(port);
  client.send(NULL);
  await client.whenEnded;
  expect(client.replies).toEqual([]);
  expect(await callByDatagram(port, call({ procedure: nothing }), '127.0.0.1', 200)).toBeUndefined();
  expect(asked).toEqual(['127.0.0.1 true', '127.0.0.1 true', '127.0.0.1 true']);
  expect(await early.call(NULL)).toMatchObject({ status: 'SUCCESS' });
  early.close();
});

it('says so when the port is taken, for TCP or for UDP alone', async () => {
  const { port } = await start();
  await expect(startFakeServer({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  const socket = dgram.createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  await expect(startFakeServer({ port: socket.address().port })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
  socket.close();
});

it.each(['127.0.0.1', '::'])('takes over sockets that are open: %s', async (host) => {
  const listener = net.createServer().listen(0, host);
  const socket = dgram.createSocket(host === '::' ? 'udp6' : 'udp4').bind(0, host);
  await Promise.all([once(listener, 'listening'), once(socket, 'listening')]);
  const [tcp, udp] = [descriptorOf(listener), descriptorOf(socket)].map(duplicate) as [number, number];
  const ports = [listener.address(), socket.address()].map((address) => (address as net.AddressInfo).port);
  listener.close();
  socket.close();
  const { port } = await start({ descriptors: { tcp: [tcp], udp: [udp] } });
  expect(port).toBe(ports[0]);
  const client = await TcpClient.connect(port);
  expect(await client.call(NULL)).toMatchObject({ xid: 3, status: 'SUCCESS' });
  client.close();
  expect(await callByDatagram(ports[1] as number, call({ procedure: nothing }))).toMatchObject({
    status: 'SUCCESS',
  });
});

it('drops datagrams that are no calls, and lives on', async () => {
  const { port } = await start();
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.alloc(3),
    words(1, 1, 0, 0, 0, 0, 0, 0, 0),
    Buffer.alloc(60_000, 0xff),
  ]) {
    expect(await callByDatagram(port, bytes, '127.0.0.1', 50)).toBeUndefined();
  }
  expect(await callByDatagram(port, call({ procedure: bug }))).toMatchObject({ status: 'SYSTEM_ERR' });
  const args = opaqueBytes(Buffer.alloc(30_000, 7));
  expect(await callByDatagram(port, call({ procedure: echo, args }))).toMatchObject({ body: args });
  // Longer than a datagram can be: no reply, and nothing else.
  expect(
    await callByDatagram(port, call({ procedure: read, args: words(100_000) }), '127.0.0.1', 100),
  ).toBeUndefined();
  expect(await callByDatagram(port, call({ procedure: nothing }))).toMatchObject({ status: 'SUCCESS' });
});

it('counts what it did', async () => {
  const { port, statistics } = await start();
  const client = await TcpClient.connect(port);
  await client.call(NULL);
  await client.call(NULL);
  await callByDatagram(port, call({ procedure: nothing }));
  expect(statistics.operations()).toEqual({ NULL: 3 });
  expect(statistics.connections).toBe(1);
  expect(statistics.bytesRead).toBe(2 * NULL.length + NULL.length - 4);
  expect(statistics.bytesWritten).toBe(2 * 28 + 24);
  expect(statistics.clients()).toMatchObject([{ address: '127.0.0.1', connections: 1, calls: 3 }]);
  expect(performance.now() - (statistics.clients()[0]?.lastCallAt ?? 0)).toBeLessThan(5000);
  client.close();
  await eventually(() => statistics.connections === 0);
  expect(statistics.clients()).toMatchObject([{ address: '127.0.0.1', connections: 0, calls: 3 }]);
});

it('ends after the calls that run, takes no more, and sends their replies', async () => {
  const { port, fake, close } = await start();
  const [busy, idle] = [await TcpClient.connect(port), await TcpClient.connect(port)];
  busy.send(record(call({ xid: 1, procedure: later, args: words(5) })));
  await eventually(() => fake.waiting.length === 1);
  const closed = close(5000);
  await idle.whenEnded;
  busy.send(NULL);
  await expect(TcpClient.connect(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  fake.release();
  await closed;
  await busy.whenEnded;
  expect(busy.replies).toMatchObject([{ xid: 1, status: 'SUCCESS' }]);
});

it('does not wait for calls that never end', async () => {
  const { port, fake, close } = await start();
  const client = await TcpClient.connect(port);
  client.send(record(call({ procedure: later, args: words(5) })));
  await eventually(() => fake.waiting.length === 1);
  const before = performance.now();
  await close(200);
  expect(performance.now() - before).toBeLessThan(10_000);
  await client.whenEnded;
});
