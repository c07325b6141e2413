/** Boards whose consoles a test plays itself: behind a serial line (socat), and behind a console server (ser2net). */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { eventually, Session } from './ssh-session.ts';

const REPOSITORY = path.resolve(import.meta.dirname, '../..');
const DAEMONS = path.join(REPOSITORY, 'node_modules/.cache/novaboot-daemons');
const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];

/** A program whose streams are bytes. It dies with this process. */
export class ByteProcess {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  stderr = '';
  /** Exit status, or the signal's name. */
  readonly exited: Promise<number | NodeJS.Signals | null>;
  readonly #chunks: Buffer[] = [];

  constructor(argv: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...argv], { env, stdio: 'pipe' });
    this.child.stdin.on('error', () => {});
    this.child.stdout.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.exited = new Promise((resolve) => {
      this.child.once('close', (status, signal) => resolve(status ?? signal));
    });
  }

  get output(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.output.toString('latin1');
  }

  async see(text: string): Promise<void> {
    await eventually(
      `${JSON.stringify(text)} in ${JSON.stringify(this.text.slice(-500))}, ${this.stderr}`,
      () => this.text.includes(text),
    );
  }

  type(bytes: string | Buffer): void {
    this.child.stdin.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.child.kill(signal);
    await this.exited;
  }
}

/** A board on a serial line of this machine: what the console sends is its output, what is typed the board says. */
export async function serialBoard(device: string, argv: readonly string[] = []): Promise<ByteProcess> {
  // The link of one before it leads nowhere.
  fs.rmSync(device, { force: true });
  const board = new ByteProcess([...argv, 'socat', '-b', '65536', `PTY,link=${device},raw,echo=0`, 'STDIO']);
  await eventually(`${device}; is socat installed? ${board.stderr}`, () => fs.existsSync(device));
  return board;
}

/** A port that passes bytes as they are, one that speaks Telnet, and one that also speaks RFC 2217. */
export interface ConsolePorts {
  readonly tcp: number;
  readonly telnet: number;
  readonly rfc2217: number;
}

export interface ConsoleServer {
  /** What it has asked of its serial line, as strace(1) writes it. */
  trace(): string;
  stop(): Promise<void>;
}

/** Debian's ser2net on loopback ports, in a mount namespace, since its modules have fixed places. */
export async function startConsoleServer(
  directory: string,
  device: string,
  ports: ConsolePorts,
): Promise<ConsoleServer> {
  if (!fs.existsSync(path.join(DAEMONS, 'usr/sbin/ser2net'))) {
    throw new Error('ser2net is missing; run: sh scripts/test-daemons.sh');
  }
  const entry = (name: string, accepter: string) => `connection: &${name}
  accepter: ${accepter}
  connector: serialdev,${device},115200n81,local
  options:
    kickolduser: true
`;
  const file = path.join(directory, 'ser2net.yaml');
  fs.writeFileSync(
    file,
    entry('raw', `tcp,127.0.0.1,${ports.tcp}`) +
      entry('telnet', `telnet,tcp,127.0.0.1,${ports.telnet}`) +
      entry('rfc2217', `telnet(rfc2217=true),tcp,127.0.0.1,${ports.rfc2217}`),
  );
  // strace -D: the process that we know is ser2net itself. It ignores SIGTERM.
  const script = `mount -t tmpfs tmpfs /usr/libexec
cp -r "$1/usr/libexec/." /usr/libexec
LD_LIBRARY_PATH=$(echo "$1"/usr/lib/*-linux-gnu "$1"/lib/*-linux-gnu | tr ' ' :)
export LD_LIBRARY_PATH
strace -D -f -e trace=ioctl -o "$3" "$1/usr/sbin/ser2net" -n -d -u -c "$2" </dev/null &
cat >/dev/null
kill -KILL $!`;
  const trace = path.join(directory, 'ser2net.trace');
  const argv = [...asRoot, 'unshare', '-m', 'sh', '-ec', script, 'sh', DAEMONS, file, trace];
  const server = new Session(argv, { PATH: process.env.PATH ?? '' });
  await eventually(`ser2net: ${server.stderr}`, () => {
    if (!server.running) throw new Error(`ser2net: ${server.stderr}`);
    const tables = fs.readFileSync('/proc/net/tcp', 'latin1');
    const isOpen = (port: number) =>
      tables.includes(`0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`);
    return Object.values(ports).every(isOpen);
  });
  return {
    trace: () => fs.readFileSync(trace, 'utf8'),
    async stop() {
      server.end();
      await server.exited;
    },
  };
}
