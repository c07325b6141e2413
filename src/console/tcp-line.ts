/** A console server's port that passes bytes as they are. */
import net from 'node:net';
import { CommandError } from '../shell/errors.ts';
import type { Line } from './line.ts';

const CONNECT_MS = 10_000;
/** After so long without a byte it is asked whether it is still there; without answers it is gone about 10 s later. */
const KEEPALIVE_MS = 30_000;

export const SERVER_GONE = '; did somebody else connect to the console server, or did it end?';

const WHY: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses the connection; is the console server running, and the port right?',
  ENOTFOUND: 'has a name that nobody knows; correct console in the configuration',
  EAI_AGAIN: 'has a name that cannot be looked up now; does the name server work?',
  EHOSTUNREACH: 'cannot be reached; is the console server on, and the network up?',
  ENETUNREACH: 'cannot be reached; is the network up?',
};

export function serverName({ host, port }: { host: string; port: number }): string {
  return `${net.isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** @throws CommandError where nobody answers in time */
export function connectTo(place: { host: string; port: number }): Promise<net.Socket> {
  const name = serverName(place);
  const { promise, resolve, reject } = Promise.withResolvers<net.Socket>();
  const socket = net.connect({
    ...place,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEPALIVE_MS,
  });
  const fail = (what: string, cause?: unknown) => {
    clearTimeout(timer);
    socket.destroy();
    reject(new CommandError(`${name} ${what}`, undefined, { cause }));
  };
  const timer = setTimeout(
    () => fail(`has not answered for ${CONNECT_MS / 1000} s; is the console server on?`),
    CONNECT_MS,
  );
  const onError = (error: NodeJS.ErrnoException) => {
    // Of several addresses: why the last one failed.
    const code = (error instanceof AggregateError ? error.errors.at(-1)?.code : undefined) ?? error.code;
    fail(WHY[code] ?? `cannot be connected to (${code ?? error.message})`, error);
  };
  socket.once('error', onError);
  socket.once('connect', () => {
    clearTimeout(timer);
    socket.off('error', onError);
    resolve(socket);
  });
  return promise;
}

export async function openTcpLine(place: { host: string; port: number }): Promise<Line> {
  const socket = await connectTo(place);
  return {
    name: serverName(place),
    ifGone: SERVER_GONE,
    stream: socket,
    sendBreak() {
      throw new CommandError('a plain TCP connection cannot carry a break; use telnet: or rfc2217:');
    },
    close: () => socket.destroy(),
  };
}
