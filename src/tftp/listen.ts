/** The sockets that requests come to. */
import { closeOnExec } from '../system/descriptors.ts';
import { passedSockets } from '../system/notify.ts';
import { AF_INET6, SocketAddress } from '../system/socket-address.ts';
import { ExitCode, StartError } from '../system/start-error.ts';
import { localAddress, openUdp, tellDestination } from '../system/udp.ts';

/** IANA: tftp. All addresses, also of IPv4. */
const DEFAULT = SocketAddress.of(Buffer.alloc(16), 69);
const DEFAULT_IPV4 = SocketAddress.of(Buffer.alloc(4), 69);

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another program',
  EADDRNOTAVAIL: 'is no address of this machine',
  EACCES: 'may be used by root only: let the socket unit open it, or choose another port by --listen',
};

function shown({ family, text, port }: SocketAddress): string {
  return family === AF_INET6 ? `[${text}]:${port}` : `${text}:${port}`;
}

function bind(address: SocketAddress): number {
  try {
    const fd = openUdp(address);
    // From now on, also for what comes before a worker serves.
    tellDestination(fd);
    return fd;
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (code === 'EAFNOSUPPORT' && address === DEFAULT) return bind(DEFAULT_IPV4);
    throw new StartError(
      `${shown(address)} ${REASONS[code] ?? `cannot be used: ${message}`}`,
      ExitCode.failed,
      { cause: error },
    );
  }
}

/** @throws StartError */
export function openSockets(listen: readonly SocketAddress[], env: NodeJS.ProcessEnv): number[] {
  const passed = passedSockets(env);
  if (passed.some(({ type }) => type !== 'udp')) {
    throw new StartError('the service manager passed a socket that is not UDP', ExitCode.usage);
  }
  // Workers get them by number, and nobody else.
  closeOnExec(3);
  if (listen.length > 0) return listen.map(bind);
  return passed.length > 0 ? passed.map(({ fd }) => fd) : [bind(DEFAULT)];
}

/** As in "127.0.0.1:69 [::1]:69". */
export function listenAddresses(sockets: readonly number[]): string {
  return sockets.map((fd) => shown(localAddress(fd))).join(' ');
}
