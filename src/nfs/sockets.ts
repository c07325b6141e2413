/** Opens the sockets of the server: TCP and UDP on the same port, for IPv4 and IPv6 together where there is IPv6. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { isIpv6Socket } from '../system/socket.ts';

const KEEPALIVE_MS = 60_000;
const BACKLOG = 511;
/** How often another port is tried when the one that TCP got is taken on UDP. */
const ATTEMPTS = 20;

/** Listening descriptors that somebody else opened. */
export interface Descriptors {
  readonly tcp: readonly number[];
  readonly udp: readonly number[];
}

export interface Sockets {
  readonly port: number;
  readonly tcp: readonly net.Server[];
  readonly udp: readonly dgram.Socket[];
}

/** Given with the socket, since connections come as soon as it listens. */
export type OnConnection = (socket: net.Socket) => void;

const OPTIONS: net.ServerOpts = {
  allowHalfOpen: true,
  // Connection makes a socket of its own, and only that one may read.
  pauseOnConnect: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: KEEPALIVE_MS,
};

async function listen(
  where: net.ListenOptions | { readonly fd: number },
  onConnection: OnConnection,
): Promise<net.Server> {
  const server = net.createServer(OPTIONS, onConnection);
  server.listen({ ...where, backlog: BACKLOG });
  await once(server, 'listening');
  return server;
}

async function bind(type: dgram.SocketType, where: dgram.BindOptions): Promise<dgram.Socket> {
  const socket = dgram.createSocket({ type, ipv6Only: false });
  // A socket that is open already says so at once.
  const listening = once(socket, 'listening');
  socket.bind({ ...where, exclusive: true });
  try {
    await listening;
  } catch (error) {
    socket.close();
    throw error;
  }
  return socket;
}

function isWithoutIpv6(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL';
}

async function openPair(port: number, host: string, onConnection: OnConnection): Promise<Sockets> {
  const tcp = await listen({ host, port }, onConnection);
  const { port: found } = tcp.address() as net.AddressInfo;
  try {
    const udp = await bind(net.isIPv6(host) ? 'udp6' : 'udp4', { address: host, port: found });
    return { port: found, tcp: [tcp], udp: [udp] };
  } catch (error) {
    tcp.close();
    throw error;
  }
}

/**
 * @param port 0 for any that is free for both
 * @param host all addresses of both families, unless given
 * @throws Error with the errno's name as code
 */
export async function openSockets(
  port: number,
  host: string | undefined,
  onConnection: OnConnection,
): Promise<Sockets> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await openPair(port, host ?? '::', onConnection);
    } catch (error) {
      if (host === undefined && isWithoutIpv6(error)) return openSockets(port, '0.0.0.0', onConnection);
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EADDRINUSE' || port !== 0 || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Takes over sockets that listen already, as those of a service manager. */
export async function adoptSockets({ tcp, udp }: Descriptors, onConnection: OnConnection): Promise<Sockets> {
  const servers = await Promise.all(tcp.map((fd) => listen({ fd }, onConnection)));
  const sockets = await Promise.all(udp.map((fd) => bind(isIpv6Socket(fd) ? 'udp6' : 'udp4', { fd })));
  const addresses = [...servers, ...sockets].map((socket) => socket.address() as net.AddressInfo);
  return { port: addresses[0]?.port ?? 0, tcp: servers, udp: sockets };
}
