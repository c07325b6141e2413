/** A connection to a device, made before anything is asked of it: what goes wrong until then has switched nothing. */
import net, { type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { CommandError } from '../shell/errors.ts';
import { shown, UnreachableError } from './errors.ts';

/** Where to ask. Its path and query may hold secrets too: messages show the host only. */
export interface Place {
  readonly url: URL;
  /** The SHA-256 fingerprint of the certificate to trust, as AB:CD:...; without it the usual authorities count. */
  readonly fingerprint: string | undefined;
}

/** ms until a connection stands. */
const CONNECT_LIMIT = 3000;

/** What Node calls it, in words. */
function unreachable(url: URL, error: NodeJS.ErrnoException): CommandError {
  switch (error.code) {
    case 'ECONNREFUSED':
      return new UnreachableError(`${url.host} refuses the connection; is the address in power= right?`);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new UnreachableError(`the name ${url.hostname} is not known; is the address in power= right?`);
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return new UnreachableError(
        `${url.host} cannot be reached; is the device switched on and on the network?`,
      );
  }
  return new UnreachableError(
    `no connection to ${url.host}: ${error.code ?? shown(error.message)}; is the address in power= right?`,
  );
}

function untrusted({ url, fingerprint }: Place, socket: TLSSocket): CommandError | undefined {
  const { fingerprint256 } = socket.getPeerCertificate();
  if (fingerprint === undefined ? socket.authorized : fingerprint === fingerprint256) return undefined;
  const reason = fingerprint === undefined ? `not trusted (${socket.authorizationError})` : 'another one';
  return new CommandError(
    `the certificate of ${url.host} is ${reason}; if it is the device's own, add #sha256=${fingerprint256} to the address`,
  );
}

/** @throws UnreachableError, or CommandError for a certificate that is not trusted */
export async function connect(place: Place, signal: AbortSignal): Promise<Socket> {
  const { url } = place;
  const isTls = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port) || (isTls ? 443 : 80);
  // Loaded when it is wanted, as it takes a while.
  const tls = isTls ? await import('node:tls') : undefined;
  return await new Promise((resolve, reject) => {
    // The certificate is looked at here, whatever Node thinks of it.
    const socket = tls
      ? tls.connect({
          host,
          port,
          rejectUnauthorized: false,
          ...(net.isIP(host) ? {} : { servername: host }),
        })
      : net.connect({ host, port });
    const fail = (error: Error) => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const late = () => fail(unreachable(url, Object.assign(new Error(), { code: 'ETIMEDOUT' })));
    const timer = setTimeout(late, CONNECT_LIMIT);
    signal.addEventListener('abort', late);
    socket.once('error', (error) => fail(unreachable(url, error)));
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      const refusal = tls && socket instanceof tls.TLSSocket ? untrusted(place, socket) : undefined;
      if (refusal !== undefined) return fail(refusal);
      clearTimeout(timer);
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}
