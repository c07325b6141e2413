/** The servers that the benchmark starts itself, and how it waits for them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerAddress } from './session.ts';
import type { PeerKind } from './workload.ts';

export type ServerKind = 'ours' | Exclude<PeerKind, 'every'> | 'other';

/** What a server is told when it is started. */
export interface Site {
  readonly exportPath: string;
  /** For configuration, sockets and logs of this server. */
  readonly directory: string;
  readonly port: number;
  readonly mountPort: number;
}

/** How to start one kind of server. */
export interface Program {
  readonly name: string;
  readonly kind: ServerKind;
  /** When its changes reach the disk, for the report. */
  readonly sync: string;
  readonly sharesPort: boolean;
  /** Writes what the command needs, and returns the command, which stays in the foreground. */
  readonly command: (site: Site) => readonly string[];
}

export interface RunningServer {
  readonly program: Program;
  readonly address: ServerAddress;
  /** Milliseconds from its start to its first answer; undefined if it was not started here. */
  readonly startTime?: number;
  stop(): Promise<void>;
}

const ADDRESS = '127.0.0.1';
const START_TIMEOUT = 20_000;
const STOP_TIMEOUT = 10_000;

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, ADDRESS);
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** The NULL procedure of NFS or MOUNT, with AUTH_NONE. */
function nullCall(program: number): Buffer {
  const words = [0x8000_0000 + 40, 1, 0, 2, program, 3, 0, 0, 0, 0, 0];
  const call = Buffer.alloc(4 * words.length);
  for (const [index, word] of words.entries()) call.writeUInt32BE(word, 4 * index);
  return call;
}

async function answers(port: number, program: number): Promise<boolean> {
  const socket = net.connect({ host: ADDRESS, port });
  try {
    await once(socket, 'connect');
    socket.write(nullCall(program));
    await once(socket, 'data');
    return true;
  } catch {
    // Nobody listens yet.
    return false;
  } finally {
    socket.destroy();
  }
}

async function waitForAnswer(child: ChildProcess, port: number, program: number): Promise<void> {
  const end = performance.now() + START_TIMEOUT;
  while (!(await answers(port, program))) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`it ended: ${child.signalCode ?? child.exitCode}`);
    if (performance.now() > end) throw new Error(`no answer on port ${port}`);
    await sleep(1);
  }
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT);
  await exit;
  clearTimeout(timer);
}

/** `directory`: names from the export's root to our files. */
export async function startServer(
  program: Program,
  exportPath: string,
  directory: string,
  names: readonly string[],
): Promise<RunningServer> {
  const port = await freePort();
  const mountPort = program.sharesPort ? port : await freePort();
  fs.mkdirSync(directory, { recursive: true });
  const [file = '', ...args] = program.command({ exportPath, directory, port, mountPort });
  const logFile = path.join(directory, 'log');
  const log = fs.openSync(logFile, 'a');
  const start = performance.now();
  const child = spawn(file, args, { stdio: ['ignore', log, log] });
  fs.closeSync(log);
  try {
    await Promise.race([
      waitForAnswer(child, port, 100_003),
      once(child, 'error').then(([error]) => Promise.reject(error)),
    ]);
    const startTime = performance.now() - start;
    await waitForAnswer(child, mountPort, 100_005);
    const address = {
      name: program.name,
      address: ADDRESS,
      port,
      mountPort,
      exportPath,
      directory: names,
      pid: child.pid ?? 0,
    };
    return { program, address, startTime, stop: () => stopChild(child) };
  } catch (error) {
    await stopChild(child);
    const tail = fs.readFileSync(logFile, 'utf8').trim().split('\n').slice(-5).join('\n');
    throw new Error(`${program.name} does not start: ${tail}`, { cause: error });
  }
}
