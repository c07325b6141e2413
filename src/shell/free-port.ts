/** Finds a port for a server that is to keep it: TCP and UDP, IPv4 and IPv6. */
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';

/** The lowest port that needs no privilege. */
const FIRST = 1024;
/** How many ports below the ephemeral ones we choose from. */
const SPAN = 8192;

async function isFreeForTcp(port: number): Promise<boolean> {
  const server = net.createServer();
  try {
    // Without an address: IPv6 and IPv4, or IPv4 where there is no IPv6.
    await once(server.listen(port), 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

async function isFreeForUdp(port: number): Promise<boolean> {
  for (const type of ['udp6', 'udp4'] as const) {
    const socket = createSocket(type);
    try {
      await once(socket.bind(port), 'listening');
    } catch (error) {
      if (!(type === 'udp6' && (error as NodeJS.ErrnoException).code === 'EAFNOSUPPORT')) return false;
    } finally {
      socket.close();
    }
  }
  return true;
}

/** Whether a server could have the port now: TCP and UDP, IPv4 and IPv6. */
export async function isFree(port: number): Promise<boolean> {
  return (await isFreeForTcp(port)) && (await isFreeForUdp(port));
}

/** The ports that the kernel gives to outgoing connections (ip(7)). */
function ephemeralPorts(): [first: number, last: number] {
  const [first, last] = fs
    .readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'latin1')
    .trim()
    .split(/\s+/);
  return [Number(first), Number(last)];
}

/** Ports to try: below the ephemeral ones, else above them. Each seed begins elsewhere, so that few meet. */
function* candidates(seed: string): Generator<number> {
  const [first, last] = ephemeralPorts();
  const below = first > FIRST;
  const from = below ? Math.max(FIRST, first - SPAN) : last + 1;
  const count = (below ? first : 65536) - from;
  const start = createHash('sha256').update(seed).digest().readUInt32BE(0);
  for (let index = 0; index < count; index++) yield from + ((start + index) % count);
}

/**
 * A port that nobody has, and that the kernel gives to no outgoing connection.
 *
 * @param taken ports that are somebody's though they may be free now
 * @returns undefined if there is none
 */
export async function findFreePort(seed: string, taken: ReadonlySet<number>): Promise<number | undefined> {
  for (const port of candidates(seed)) if (!taken.has(port) && (await isFree(port))) return port;
  return undefined;
}
