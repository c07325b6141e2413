/**
 * A client's connection, in a process of its own: the parent of that connection's shells and of no others, like
 * sshd's. The login shell takes two shells with the same parent for the same client.
 */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import ssh2, { type AuthContext, type Connection } from 'ssh2';
import { findLogin, type Login } from './login.ts';
import type { LoginShell } from './login-shell.ts';
import { serveSession } from './session.ts';

/** The name to log in with; also $USER of the shells. */
export const ACCOUNT = 'board';

/** What the listener tells a new process, together with the socket. */
export interface ConnectionSettings {
  readonly hostKeyFile: string;
  readonly home: string;
  /** The login shell's path. */
  readonly shell: string;
  readonly loginGraceMs: number;
}

/** sshd_config's MaxAuthTries and MaxSessions. */
const MAX_AUTH_TRIES = 6;
const MAX_SESSIONS = 10;
/** How long a shell has after each of SIGHUP and SIGTERM when the demo ends. */
const END_STEP_MS = 1500;
/** No keep-alive: the client is on this machine, and a stopped one may be continued. (setInterval's maximum) */
const NEVER_MS = 0x7fffffff;

function log(message: string): void {
  console.error(`novaboot-demo: ${message}`);
}

/** The entry for the key, if the signature (RFC 4252 §7) is right; a request without one only asks for the key. */
function authenticate(context: AuthContext, home: string): Login | undefined {
  if (context.method !== 'publickey' || context.username !== ACCOUNT) return undefined;
  const login = findLogin(readFileSync(join(home, '.ssh', 'authorized_keys')), context.key.data);
  if (!login) return undefined;
  const key = ssh2.utils.parseKey(login.key);
  if (key instanceof Error) return undefined;
  if (!context.signature) return login;
  return key.verify(context.blob ?? Buffer.alloc(0), context.signature, context.hashAlgo) === true
    ? login
    : undefined;
}

function environmentOf(socket: Socket, settings: ConnectionSettings): Record<string, string> {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  return {
    HOME: settings.home,
    USER: ACCOUNT,
    LOGNAME: ACCOUNT,
    SHELL: settings.shell,
    PATH: '/usr/local/bin:/usr/bin:/bin',
    SSH_CLIENT: `${remoteAddress} ${remotePort} ${localPort}`,
    SSH_CONNECTION: `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`,
  };
}

function serve(
  client: Connection,
  socket: Socket,
  settings: ConnectionSettings,
): { end(): void; kill(): Promise<void> } {
  const environment = environmentOf(socket, settings);
  const shells = new Set<LoginShell>();
  const sessions = new Set<() => void>();
  let login: Login | undefined;
  let failures = 0;

  client.on('error', () => {});
  client.on('authentication', (context) => {
    let found: Login | undefined;
    try {
      found = authenticate(context, settings.home);
    } catch (error) {
      log(`cannot read the authorized keys: ${(error as Error).message}`);
    }
    if (found) {
      login = found;
      context.accept();
      return;
    }
    context.reject(['publickey']);
    if (context.method !== 'none' && ++failures >= MAX_AUTH_TRIES) client.end();
  });
  client.on('session', (accept, reject) => {
    if (!login || sessions.size >= MAX_SESSIONS) {
      reject();
      return;
    }
    const session = accept();
    const end = serveSession(session, {
      login,
      shell: settings.shell,
      home: settings.home,
      environment,
      started: (shell) => {
        shells.add(shell);
        void shell.exited.then(() => shells.delete(shell));
      },
    });
    sessions.add(end);
    session.once('close', () => sessions.delete(end));
  });
  return {
    end: () => {
      for (const end of sessions) end();
    },
    async kill() {
      client.end();
      const all = [...shells];
      const exited = Promise.all(all.map((shell) => shell.exited));
      await Promise.race([exited, delay(END_STEP_MS)]);
      for (const shell of shells) shell.signal('SIGTERM');
      await Promise.race([exited, delay(END_STEP_MS)]);
      // Also what an ended shell has left in its group.
      for (const shell of all) shell.signal('SIGKILL');
      await exited;
    },
  };
}

/**
 * Serves a client until it is gone and its shells have ended. The process then has nothing left to do.
 *
 * @returns ends connection and shells from our side
 */
export function serveConnection(socket: Socket, settings: ConnectionSettings): () => Promise<void> {
  let served: ReturnType<typeof serve> | undefined;
  const grace = setTimeout(() => socket.destroy(), settings.loginGraceMs);
  socket.on('error', () => {});
  socket.setNoDelay(true);
  const server = new ssh2.Server(
    { hostKeys: [readFileSync(settings.hostKeyFile)], keepaliveInterval: NEVER_MS },
    (client) => {
      client.once('ready', () => clearTimeout(grace));
      served = serve(client, socket, settings);
    },
  );
  socket.once('close', () => {
    clearTimeout(grace);
    served?.end();
  });
  server.injectSocket(socket);
  return async () => {
    served?.end();
    await served?.kill();
    socket.destroy();
  };
}
