/** Who listens on ports of this machine: /proc/net/{tcp,udp}{,6} (proc(5)). */
import fs from 'node:fs';

/** A TCP socket that listens, and a UDP socket that is connected to nobody. */
const WAITING = { tcp: '0A', udp: '07' } as const;

const PIECE_BYTES = 64 * 1024;

type Protocol = keyof typeof WAITING;

interface Listener {
  readonly port: number;
  readonly uid: number;
  readonly inode: number;
}

interface Line extends Listener {
  readonly state: string;
  /** The other's address, as the table has it. */
  readonly peer: string;
}

/** As far as somebody wants to know: who listens comes first, and all others take the kernel some milliseconds. */
function* textLines(file: string): Generator<string> {
  // Without IPv6 there is no such table.
  if (!fs.existsSync(file)) return;
  const fd = fs.openSync(file, 'r');
  const buffer = Buffer.allocUnsafe(PIECE_BYTES);
  try {
    let rest = '';
    for (let length = -1; length !== 0; ) {
      length = fs.readSync(fd, buffer);
      const lines = `${rest}${buffer.toString('latin1', 0, length)}`.split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } finally {
    fs.closeSync(fd);
  }
}

/** That of IPv6, with what listens on both, comes first. */
function* lines(protocol: Protocol): Generator<Line> {
  for (const table of [`/proc/net/${protocol}6`, `/proc/net/${protocol}`]) {
    for (const line of textLines(table)) {
      const [, local = '', remote = '', state = '', , , , uid, , inode] = line.trim().split(/\s+/);
      const port = Number.parseInt(local.slice(local.indexOf(':') + 1), 16);
      const peer = remote.slice(0, remote.indexOf(':'));
      // The heading has none.
      if (Number.isInteger(port)) yield { port, uid: Number(uid), inode: Number(inode), state, peer };
    }
  }
}

export interface TcpPort {
  /** Of those who listen. */
  readonly uids: Set<number>;
  /** Hosts with a connection, as the table has their addresses. */
  readonly clients: Set<string>;
}

const ESTABLISHED = '01';

/** All ports of TCP, read once: for one who looks at many. */
export function tcpPorts(): ReadonlyMap<number, TcpPort> {
  const ports = new Map<number, TcpPort>();
  for (const { port, uid, state, peer } of lines('tcp')) {
    const known = ports.get(port) ?? { uids: new Set(), clients: new Set() };
    ports.set(port, known);
    if (state === WAITING.tcp) known.uids.add(uid);
    else if (state === ESTABLISHED) known.clients.add(peer);
  }
  return ports;
}

export function listeners(protocol: Protocol, port: number): Listener[] {
  return [...lines(protocol)].filter((line) => line.port === port && line.state === WAITING[protocol]);
}

/** Whether the account listens there; reads no more than it takes to know. */
export function isListening(uid: number | undefined, protocol: Protocol, port: number): boolean {
  for (const line of lines(protocol)) {
    if (line.port === port && line.uid === uid && line.state === WAITING[protocol]) return true;
  }
  return false;
}

/** A process that has the socket open; undefined where we may not see that. */
export function socketOwner(inode: number): number | undefined {
  const wanted = `socket:[${inode}]`;
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => {
      try {
        const descriptors = fs.readdirSync(`/proc/${pid}/fd`);
        return descriptors.some((fd) => fs.readlinkSync(`/proc/${pid}/fd/${fd}`) === wanted);
      } catch {
        // It has ended, or closed one, or is another's.
        return false;
      }
    });
}
