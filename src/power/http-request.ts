/** One bounded GET request to a device. */
import http from 'node:http';
import { CommandError } from '../shell/errors.ts';
import { shown } from './errors.ts';
import { authorization, type Credentials } from './http-auth.ts';
import { connect, type Place } from './http-connection.ts';

/** Bytes of an answer. */
const ANSWER_LIMIT = 64 * 1024;

/** What to ask, and as whom. */
export interface Address extends Place {
  readonly credentials: Credentials | undefined;
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** What Node calls it, in words. */
function broken({ host }: URL, { code, message }: NodeJS.ErrnoException): CommandError {
  if (code?.startsWith('HPE_'))
    return new CommandError(`${host} does not speak HTTP (${code}); is the port right?`);
  return new CommandError(`the connection to ${host} broke: ${code ?? shown(message)}; try again`);
}

async function send(place: Place, headers: http.OutgoingHttpHeaders, signal: AbortSignal): Promise<Answer> {
  const { url } = place;
  const socket = await connect(place, signal);
  return await new Promise((resolve, reject) => {
    const call = http.request({
      createConnection: () => socket,
      path: `${url.pathname}${url.search}`,
      headers: { host: url.host, connection: 'close', ...headers },
      signal,
    });
    call.once('error', (error) => reject(broken(url, error)));
    call.once('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size <= ANSWER_LIMIT) return;
        reject(
          new CommandError(
            `${url.host} answers more than ${ANSWER_LIMIT} bytes; is the address in power= right?`,
          ),
        );
        call.destroy();
      });
      response.once('error', (error) => reject(broken(url, error)));
      response.once('end', () => {
        const body = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
    });
    call.end();
  });
}

/** What a device answers, unless it says our secrets back to us: other users read the message. */
function quotable({ url, credentials }: Address, answer: string): string {
  const words = [url.search.slice(1), ...url.searchParams.values(), credentials?.password ?? ''];
  const secrets = words.flatMap((word) => [word, encodeURIComponent(word)]).filter((word) => word.length > 2);
  return secrets.some((secret) => answer.includes(secret)) ? '(what it was asked)' : shown(answer);
}

/** How a device refuses. */
function refusal(address: Address, { status, headers, body }: Answer): CommandError {
  const { url } = address;
  const where = url.host;
  if (status === 401 || status === 403) {
    return new CommandError(
      `${where} wants the right user name and password (HTTP ${status}); ` +
        'power= has them as http://USER:PASSWORD@HOST/...',
    );
  }
  if (status >= 300 && status < 400) {
    const target = headers.location ?? '';
    const host = URL.canParse(target, url.href) ? new URL(target, url.href).origin : 'another address';
    return new CommandError(
      `${where} redirects to ${host} (HTTP ${status}); write the final address into power=`,
    );
  }
  if (status === 404) {
    return new CommandError(`${where} does not know that address (HTTP 404); is it right in power=?`);
  }
  const reason = body.startsWith('{') ? `: ${quotable(address, body)}` : '';
  return new CommandError(`${where} answers HTTP ${status}${reason}; look at the device`);
}

/**
 * Sends a GET request, and once more with credentials if the device asks for them.
 *
 * @returns the body of the answer
 * @throws UnreachableError if nothing was sent
 * @throws CommandError for any answer but success; redirects are not followed, so that credentials stay where they are
 */
export async function get(address: Address, signal: AbortSignal): Promise<string> {
  const { url, credentials } = address;
  let answer = await send(address, {}, signal);
  const challenge = answer.headers['www-authenticate'];
  if (answer.status === 401 && credentials !== undefined && challenge !== undefined) {
    const header = authorization(challenge, credentials, 'GET', `${url.pathname}${url.search}`);
    if (header !== undefined) answer = await send(address, { authorization: header }, signal);
  }
  if (answer.status < 200 || answer.status >= 300) throw refusal(address, answer);
  return answer.body;
}

/** Asks for a JSON object. @throws CommandError for anything else, and as `get` */
export async function getObject(address: Address, signal: AbortSignal): Promise<Record<string, unknown>> {
  const body = await get(address, signal);
  try {
    const answer: unknown = JSON.parse(body);
    if (typeof answer === 'object' && answer !== null) return { ...answer };
  } catch {
    // Told below.
  }
  throw notUnderstood(address, body);
}

/** An answer that is not what this kind of device says. */
export function notUnderstood(address: Address, answer: unknown): CommandError {
  const text = quotable(address, typeof answer === 'string' ? answer : JSON.stringify(answer));
  return new CommandError(`${address.url.host} answers "${text}"; is the address in power= right?`);
}
