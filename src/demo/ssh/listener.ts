/** Listens, and hands each connection to a process of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { CommandError, ExitCode } from '../../shell/errors.ts';
import { FIRST_PORT } from '../options.ts';
import type { ConnectionSettings } from './connection.ts';

export interface Listener {
  readonly port: number;
  /** Ends all connections with what runs in them. */
  close(): Promise<void>;
}

interface ListenerOptions {
  readonly program: string;
  readonly port: number | undefined;
  readonly settings: ConnectionSettings;
}

const ADDRESS = '127.0.0.1';
const PORTS_TO_TRY = 100;
const MAX_CONNECTIONS = 32;
/** A connection ends its shells within twice 1.5 seconds. */
const END_MS = 5000;

function log(message: string): void {
  console.error(`novaboot-demo: ${message}`);
}

async function listenOn(server: Server, port: number): Promise<number> {
  server.listen(port, ADDRESS);
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

async function listen(server: Server, wanted: number | undefined): Promise<number> {
  const first = wanted ?? FIRST_PORT;
  const last = wanted ?? FIRST_PORT + PORTS_TO_TRY - 1;
  for (let port = first; port <= last; port++) {
    try {
      return await listenOn(server, port);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EADDRINUSE' && port < last) continue;
      const reason = code === 'EADDRINUSE' ? 'in use' : code === 'EACCES' ? 'not allowed' : String(code);
      throw new CommandError(`port ${port}: ${reason}`, ExitCode.failed, { cause: error });
    }
  }
  throw new Error('unreachable');
}

/** Resolves when the process is gone; kills it if that takes too long. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
  clearTimeout(timer);
}

export async function startListener({ program, port: wanted, settings }: ListenerOptions): Promise<Listener> {
  const children = new Set<ChildProcess>();

  function serve(socket: Socket): void {
    socket.on('error', () => {});
    if (children.size >= MAX_CONNECTIONS) {
      log(`refused a connection: there are ${MAX_CONNECTIONS} already`);
      socket.destroy();
      return;
    }
    const { PATH, LANG, NODE_COMPILE_CACHE } = process.env;
    const env = { PATH, LANG, NODE_COMPILE_CACHE };
    // Detached: Ctrl-C goes to the whole foreground group, and is for us to act on.
    const child = fork(program, ['connection'], { env, execArgv: [], detached: true });
    children.add(child);
    child.once('error', (error) => log(`connection failed: ${error.message}`));
    child.once('close', (code, signal) => {
      children.delete(child);
      // Ctrl-C still reaches one that has just been forked, and we are about to end.
      if (code !== 0 && signal !== 'SIGINT' && server.listening)
        log(`a connection's process ended with ${signal ?? `status ${code}`}`);
    });
    child.send(settings, socket, (error) => {
      if (error) socket.destroy();
    });
  }

  // pauseOnConnect: not a byte may be read here before the other process has the socket.
  const server = createServer({ pauseOnConnect: true }, serve);
  const port = await listen(server, wanted);
  server.on('error', (error) => log(error.message));
  return {
    port,
    async close() {
      server.close();
      await Promise.all([...children].map(end));
    },
  };
}
