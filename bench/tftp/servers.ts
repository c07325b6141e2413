/** The TFTP servers side by side, each on a free port of 127.0.0.1 and, once started, as nobody. */
import { type ChildProcess, spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const ADDRESS = '127.0.0.1';
const START_MS = 20_000;
const PEERS = path.resolve(import.meta.dirname, '../../node_modules/.cache/novaboot-tftp-peers');

export interface Server {
  readonly name: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** What it serves is in `DIRECTORY/public`. */
type Command = (directory: string, port: number) => readonly string[];

/** `entry`: our server's program. */
export function programs(entry: string): ReadonlyMap<string, Command> {
  return new Map<string, Command>([
    ['ours', (directory, port) => ours(entry, directory, port)],
    [
      'tftpd-hpa',
      (directory, port) => [
        path.join(PEERS, 'tftpd-hpa/usr/sbin/in.tftpd'),
        ...['--foreground', '--address', `${ADDRESS}:${port}`],
        ...['--user', 'nobody', '--secure', path.join(directory, 'public')],
      ],
    ],
    [
      'atftpd',
      (directory, port) => [
        path.join(PEERS, 'atftpd/usr/sbin/atftpd'),
        ...['--daemon', '--no-fork', '--bind-address', ADDRESS, '--port', String(port)],
        ...['--user', 'nobody', '--group', 'nogroup', path.join(directory, 'public')],
      ],
    ],
  ]);
}

function ours(entry: string, directory: string, port: number): string[] {
  const config = path.join(directory, 'tftpd.conf');
  fs.writeFileSync(config, `directory=${directory}\npublic=public\n`);
  return [
    ...['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups', '--'],
    ...[process.execPath, entry, '--config', config, '--listen', `${ADDRESS}:${port}`],
  ];
}

async function freePort(): Promise<number> {
  const socket = dgram.createSocket('udp4').bind(0, ADDRESS);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

/** A read request for a file that does not exist (RFC 1350 §5): every server answers it with an error. */
const PROBE = Buffer.from('\0\x01absent\0octet\0');

async function waitForAnswer(child: ChildProcess, port: number): Promise<void> {
  const socket = dgram.createSocket('udp4').bind(0, ADDRESS);
  let hasAnswered = false;
  socket.on('message', () => {
    hasAnswered = true;
  });
  const end = performance.now() + START_MS;
  try {
    while (!hasAnswered) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`it ended: ${child.signalCode ?? child.exitCode}`);
      if (performance.now() > end) throw new Error(`no answer on port ${port}`);
      socket.send(PROBE, port, ADDRESS);
      await sleep(100);
    }
  } finally {
    socket.close();
  }
}

/** @throws Error with the last lines of its log, if it does not answer */
export async function startServer(name: string, command: Command, directory: string): Promise<Server> {
  const port = await freePort();
  const [file = '', ...args] = command(directory, port);
  const logFile = path.join(directory, `${name}.log`);
  const log = fs.openSync(logFile, 'a');
  const child = spawn(file, args, { stdio: ['ignore', log, log] });
  fs.closeSync(log);
  const exit = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGTERM');
    await exit;
  };
  try {
    await Promise.race([waitForAnswer(child, port), exit]);
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
  } catch (error) {
    child.kill('SIGKILL');
    const tail = fs.readFileSync(logFile, 'utf8').trim().split('\n').slice(-5).join('\n');
    throw new Error(`${name} does not start: ${tail}`, { cause: error });
  }
  return { name, port, stop };
}
