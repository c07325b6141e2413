/**
 * TFTP of a 64 MiB file over loopback: ours beside tftpd-hpa and atftpd, which take turns, so that the machine's mood is in
 * every server's figures. blksize is 1468, what fits an Ethernet frame. Needs root, without which tftpd-hpa does not start.
 *
 * The client is the same in all rows, a process of a stranger's for each transfer: atftp 0.8, the leanest one that was
 * tried. Per block it makes three system calls (pselect6, recvmsg, sendto; curl seven) and one write for 4 KiB; in a
 * transfer with windowsize 1 it uses about as much CPU as the peers. It is also the only client of Debian's that knows
 * windowsize (RFC 7440), as atftpd is the only peer. Each client writes to a memory file, and what it wrote is compared
 * with the file when the clock has stopped. Time runs from the start of the first client to the end of the last.
 *
 * With one client, client and server wait for each other: idle processors are kept awake, or else one has to be woken
 * for every block and figures vary by a factor of ten. With 50 the processors are full, and the loops that keep them awake
 * would only keep the scheduler from moving a thread that waits to the other one. The server's CPU is what all processors
 * worked beyond the clients (tftpd-hpa does not wait for its children, so that nobody else knows theirs): nothing else
 * should run.
 *
 * Ours also makes the SHA-256 of each transfer for its journal, and remembers that of a file that does not change, as it
 * does for boards that boot the same kernel every day. The row "changed" shows the transfer without this.
 */
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { keepAwake } from './nfs/awake.ts';
import { busySeconds } from './nfs/process-figures.ts';
import { ADDRESS, programs, type Server, startServer } from './tftp/servers.ts';

const MEMORY = '/dev/shm/novaboot-tftp-';
const BLKSIZE = 1468;
const FILE = 'file';
const HELP = `Usage: npm run bench tftp -- [OPTION]...
  --rounds N         interleaved rounds of which the median is taken (default 5)
  --only ROW,...     rows, of: single many windows changed many-windows
  --mebibytes N      size of the file (default 64)
  --clients N        clients together in the rows "many" and "many-windows" (default 50)
  --without NAME     without that server (repeatable)
  --join NAME=PORT   with a server that runs already on ${ADDRESS} and has "file" (repeatable);
                     with --file, what it has
  --file FILE        the file to serve (default: noise)
  --entry FILE       our server's program (default: dist/novaboot-tftpd.js)
`;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: 'single,many,windows,changed,many-windows' },
    mebibytes: { type: 'string', default: '64' },
    clients: { type: 'string', default: '50' },
    without: { type: 'string', multiple: true, default: [] },
    join: { type: 'string', multiple: true, default: [] },
    file: { type: 'string' },
    entry: { type: 'string', default: path.resolve(import.meta.dirname, '../dist/novaboot-tftpd.js') },
    help: { type: 'boolean' },
  },
});

if (options.help) {
  process.stdout.write(HELP);
  process.exit();
}
const memory = fs.mkdtempSync(MEMORY);

interface Row {
  readonly name: string;
  readonly windowsize: number;
  readonly clients: number;
  /** The file gets a new date before each run: what a server remembers of it is of no use. */
  readonly isChanged?: boolean;
  /** Least ratio of our rate to a peer's; peers that don't know windowsize are left out. */
  readonly targets: Readonly<Record<string, number | undefined>>;
}

const MANY = Number(options.clients);
const ROWS: readonly Row[] = [
  { name: 'single', windowsize: 1, clients: 1, targets: { 'tftpd-hpa': 0.8, atftpd: undefined } },
  { name: 'many', windowsize: 1, clients: MANY, targets: { 'tftpd-hpa': 0.6, atftpd: undefined } },
  { name: 'windows', windowsize: 16, clients: 1, targets: { atftpd: 1 } },
  { name: 'changed', windowsize: 16, clients: 1, isChanged: true, targets: { atftpd: undefined } },
  { name: 'many-windows', windowsize: 16, clients: MANY, targets: { atftpd: 1 } },
];

/** One run, of all clients together. */
interface Run {
  readonly seconds: number;
  /** CPU seconds of everybody but the clients. */
  readonly serverCpu: number;
  readonly clientCpu: number;
}

/** Clock ticks per second in /proc/PID/stat, on every architecture. */
const USER_HZ = 100;

/** CPU seconds of our children that have ended (proc(5), /proc/PID/stat, cutime and cstime). */
function endedSeconds(): number {
  const fields = fs.readFileSync('/proc/self/stat', 'latin1').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[13]) + Number(fields[14])) / USER_HZ;
}

async function transfer(server: Server, windowsize: number, target: string): Promise<void> {
  const window = windowsize === 1 ? [] : ['--option', `windowsize ${windowsize}`];
  const args = ['--option', `blksize ${BLKSIZE}`, ...window, '-g', '-r', FILE, '-l', target, ADDRESS];
  const child = spawn('atftp', [...args, String(server.port)], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (data) => {
    said += data;
  });
  const [status] = await once(child, 'close');
  if (status !== 0) throw new Error(`${server.name}: atftp ended with ${status}: ${said}`);
}

/** @throws Error if a client fails or has got something else than the file */
async function run(server: Server, windowsize: number, clients: number, content: Buffer): Promise<Run> {
  const directory = fs.mkdtempSync(path.join(memory, 'run-'));
  try {
    const targets = Array.from({ length: clients }, (_, index) => path.join(directory, String(index)));
    const [busyBefore, clientsBefore] = [busySeconds(), endedSeconds()];
    const start = performance.now();
    await Promise.all(targets.map((target) => transfer(server, windowsize, target)));
    const seconds = (performance.now() - start) / 1000;
    const clientCpu = endedSeconds() - clientsBefore;
    const serverCpu = busySeconds() - busyBefore - clientCpu;
    const wrong = targets.filter((target) => !fs.readFileSync(target).equals(content)).length;
    if (wrong > 0) throw new Error(`${server.name}: ${wrong} of ${clients} files are not what was served`);
    return { seconds, serverCpu, clientCpu };
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function print(row: Row, bytes: number, figures: ReadonlyMap<Server, Run[]>): void {
  const [amount, blocks] = [(bytes * row.clients) / 1e6, (Math.floor(bytes / BLKSIZE) + 1) * row.clients];
  const changed = row.isChanged ? ', a file that has just changed' : '';
  console.log(`\nwindowsize ${row.windowsize}, clients: ${row.clients}${changed}  [${row.name}]`);
  for (const [{ name }, runs] of figures) {
    const of = (value: (one: Run) => number) => median(runs.map(value));
    const seconds = of((one) => one.seconds);
    const cpu = of((one) => one.serverCpu);
    const share = (value: number) => `${((value / seconds) * 100).toFixed(0)} %`.padStart(6);
    console.log(
      `  ${name.padEnd(10)}${seconds.toFixed(2).padStart(7)} s ${(amount / seconds).toFixed(0).padStart(6)} MB/s   ` +
        `${((seconds / blocks) * 1e6).toFixed(1).padStart(5)} µs per block, the server's CPU ` +
        `${((cpu / blocks) * 1e6).toFixed(1).padStart(5)} µs   CPU: server ${share(cpu)}, clients ${share(of((one) => one.clientCpu))}`,
    );
  }
  const ours = [...figures].find(([{ name }]) => name === 'ours')?.[1];
  for (const [{ name }, runs] of ours === undefined ? [] : figures) {
    if (runs === ours) continue;
    const ratio = median(runs.map(({ seconds }, round) => seconds / (ours?.[round]?.seconds ?? Number.NaN)));
    const target = row.targets[name];
    const verdict = target === undefined ? '' : `  (>= ${target} ${ratio >= target ? 'met' : 'NOT MET'})`;
    console.log(`  ours / ${name}: rate ${ratio.toFixed(2)} x${verdict}`);
  }
}

/** The first transfer from each server warms up page cache, compilers and what it remembers of the file. */
async function measure(row: Row, servers: readonly Server[], file: string): Promise<void> {
  const content = fs.readFileSync(file);
  const taking = servers.filter(
    ({ name }) => name in row.targets || !programs('').has(name) || name === 'ours',
  );
  const figures = new Map(taking.map((server): [Server, Run[]] => [server, []]));
  for (const server of taking) await run(server, row.windowsize, 1, content);
  for (let round = 0; round < Number(options.rounds); round += 1) {
    for (let turn = 0; turn < taking.length; turn += 1) {
      const server = taking[(round + turn) % taking.length] as Server;
      if (row.isChanged) fs.utimesSync(file, round, turn);
      figures.get(server)?.push(await run(server, row.windowsize, row.clients, content));
    }
  }
  print(row, content.length, figures);
}

function join(argument: string): Server {
  const [name = '', port] = argument.split('=');
  return { name, port: Number(port), stop: async () => {} };
}

async function benchmark(directory: string, servers: Server[]): Promise<void> {
  fs.chmodSync(directory, 0o755);
  fs.mkdirSync(path.join(directory, 'public'));
  const file = path.join(directory, 'public', FILE);
  if (options.file === undefined)
    fs.writeFileSync(file, crypto.randomBytes(Number(options.mebibytes) * 2 ** 20));
  else fs.copyFileSync(options.file, file);
  fs.chmodSync(file, 0o644);
  for (const [name, command] of programs(options.entry)) {
    if (!options.without.includes(name)) servers.push(await startServer(name, command, directory));
  }
  servers.push(...options.join.map(join));
  const [cpu] = os.cpus();
  console.log(
    `${os.cpus().length} x ${cpu?.model.trim()}, Linux ${os.release()}, Node ${process.versions.node}`,
  );
  const { size } = fs.statSync(file);
  console.log(
    `${(size / 2 ** 20).toFixed(0)} MiB, blksize ${BLKSIZE}; medians of ${options.rounds} interleaved rounds`,
  );
  for (const row of ROWS) {
    if (!options.only.split(',').includes(row.name)) continue;
    const letHalt = row.clients === 1 ? keepAwake() : () => {};
    await measure(row, servers, file).finally(letHalt);
  }
}

async function main(): Promise<void> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-tftp-'));
  const servers: Server[] = [];
  const cleanUp = async () => {
    await Promise.all(servers.map((server) => server.stop()));
    for (const made of [directory, memory]) fs.rmSync(made, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => void cleanUp().finally(() => process.exit(1)));
  }
  try {
    await benchmark(directory, servers);
  } finally {
    await cleanUp();
  }
}

await main();
