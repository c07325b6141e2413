/** Network switches as their makers document them: Tasmota's web requests, Shelly's first and second generation. */
import { createHash } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';

interface PlugOptions {
  /** Of a server with TLS. */
  readonly certificate?: { readonly key: Buffer; readonly cert: Buffer };
  /** Without it everybody may switch. */
  readonly password?: string;
  /** Answers a request in its own way and returns true; else the device does as documented. */
  readonly fault?: (request: http.IncomingMessage, response: http.ServerResponse, plug: Plug) => boolean;
}

export interface Plug {
  /** HOST:PORT */
  readonly host: string;
  on: boolean;
  /** The request targets, in their order. */
  readonly requests: string[];
  close(): Promise<void>;
}

function json(response: http.ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify(value));
}

/** Tasmota with one relay. */
function tasmota(url: URL, response: http.ServerResponse, plug: Plug, password: string | undefined): void {
  const query = url.searchParams;
  const [command, number = '', value] = /^power(\d*)(?: (on|off))?$/i.exec(query.get('cmnd') ?? '') ?? [];
  if (password !== undefined && (query.get('user') !== 'admin' || query.get('password') !== password)) {
    json(response, { WARNING: 'Need user=<username>&password=<password>' }, 401);
  } else if (command === undefined || Number(number || 1) !== 1) {
    json(response, { Command: 'Unknown' });
  } else {
    if (value !== undefined) plug.on = value.toLowerCase() === 'on';
    json(response, { POWER: plug.on ? 'ON' : 'OFF' });
  }
}

function basicAuth(request: http.IncomingMessage, response: http.ServerResponse, password: string): boolean {
  const wanted = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`;
  if (request.headers.authorization === wanted) return true;
  response
    .writeHead(401, { 'www-authenticate': 'Basic realm="shelly1pm-A4CF12F45F91"' })
    .end('401 Unauthorized');
  return false;
}

function shelly1(url: URL, response: http.ServerResponse, plug: Plug): void {
  if (url.pathname !== '/relay/0') {
    response.writeHead(404).end('Not Found');
    return;
  }
  const turn = url.searchParams.get('turn');
  if (turn !== null) plug.on = turn === 'on';
  json(response, {
    ison: plug.on,
    has_timer: false,
    timer_started: 0,
    timer_duration: 0,
    timer_remaining: 0,
    overpower: false,
    source: 'http',
  });
}

function sha256(...parts: string[]): string {
  return createHash('sha256').update(parts.join(':')).digest('hex');
}

const REALM = 'shellyplus1-a8032abe54dc';

/** RFC 7616 as Shelly has it: SHA-256, qop=auth. */
function digestAuth(request: http.IncomingMessage, response: http.ServerResponse, password: string): boolean {
  const header = request.headers.authorization ?? '';
  const fields = Object.fromEntries(
    [...header.matchAll(/(\w+)="?([^",]*)"?/g)].map(([, name, value]) => [name, value]),
  );
  const { nonce = '', nc = '', cnonce = '', uri = '' } = fields;
  const secret = sha256('admin', REALM, password);
  const wanted = sha256(secret, nonce, nc, cnonce, 'auth', sha256('GET', uri));
  if (header.startsWith('Digest ') && fields.response === wanted && uri === request.url) return true;
  const challenge = `Digest qop="auth", realm="${REALM}", nonce="60dc2c59", algorithm=SHA-256`;
  response.writeHead(401, { 'www-authenticate': challenge }).end();
  return false;
}

function shelly2(url: URL, response: http.ServerResponse, plug: Plug): void {
  const query = url.searchParams;
  const id = query.get('id');
  if (id !== '0') {
    json(response, { code: -105, message: `Argument 'id', value ${id} not found!` }, 500);
  } else if (url.pathname === '/rpc/Switch.GetStatus') {
    json(response, { id: 0, source: 'HTTP_in', output: plug.on, temperature: { tC: 53.3, tF: 127.9 } });
  } else if (url.pathname === '/rpc/Switch.Set') {
    const was_on = plug.on;
    plug.on = query.get('on') === 'true';
    json(response, { was_on });
  } else {
    json(response, { code: 404, message: 'No handler for Switch' }, 404);
  }
}

/** Starts a device that is all of them. */
export async function startPlug({ certificate, password, fault }: PlugOptions = {}): Promise<Plug> {
  const answer = (request: http.IncomingMessage, response: http.ServerResponse) => {
    plug.requests.push(request.url ?? '');
    if (fault?.(request, response, plug)) return;
    const url = new URL(request.url ?? '', 'http://plug');
    if (url.pathname === '/cm') {
      tasmota(url, response, plug, password);
    } else if (url.pathname.startsWith('/relay/')) {
      if (password === undefined || basicAuth(request, response, password)) shelly1(url, response, plug);
    } else if (url.pathname.startsWith('/rpc/')) {
      if (password === undefined || digestAuth(request, response, password)) shelly2(url, response, plug);
    } else {
      response.writeHead(404).end();
    }
  };
  const server = certificate ? https.createServer(certificate, answer) : http.createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const plug: Plug = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    on: false,
    requests: [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return plug;
}
