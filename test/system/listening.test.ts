import { once } from 'node:events';
import net from 'node:net';
import { expect, it } from 'vitest';
import { isListening, listeners, tcpPorts } from '../../src/system/listening.ts';

const uid = process.getuid?.() ?? 0;

it.each(['::', '127.0.0.1', '::1'])('sees who listens on %s, and how many are connected', async (address) => {
  const server = net.createServer().listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  expect(isListening(uid, 'tcp', port)).toBe(true);
  expect(isListening(uid + 1, 'tcp', port)).toBe(false);
  expect(isListening(uid, 'udp', port)).toBe(false);
  expect(listeners('tcp', port)).toMatchObject([{ port, uid }]);
  expect(tcpPorts().get(port)).toEqual({ uids: new Set([uid]), clients: new Set() });
  const clients = [1, 2].map(() => net.connect(port, address === '::' ? '127.0.0.1' : address));
  await Promise.all(clients.map((client) => once(client, 'connect')));
  // Both are the same host.
  expect(tcpPorts().get(port)?.clients.size).toBe(1);
  const ended = clients.map((client) => once(client, 'close'));
  for (const client of clients) client.destroy();
  await Promise.all(ended);
  await new Promise((resolve) => server.close(resolve));
  expect(isListening(uid, 'tcp', port)).toBe(false);
});
