/**
 * How long novaboot-shell takes to start, as a ratio to bare Node (`node -e 0`), and what a waiting client costs.
 * Each figure is a median of interleaved runs: the machine's mood is in both.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

const ROUNDS = 40;
const WAITERS = 10;
const shell = path.resolve(import.meta.dirname, '../dist/novaboot-shell');

const CONFIG = `console_cmd="cat"
reset_cmd=true
target_config="\\
--uboot=(uboot)
--uboot-init=setenv ipaddr 10.0.0.1
"
`;

const home = fs.mkdtempSync(path.join(os.tmpdir(), 'novaboot-bench-'));
fs.writeFileSync(path.join(home, '.novaboot-shell'), CONFIG);

function environment(command: string): Record<string, string> {
  return { HOME: home, PATH: '/usr/bin:/bin', SSH_ORIGINAL_COMMAND: command };
}

/** Wall time of one run in milliseconds. */
function time(file: string, args: string[], command: string): number {
  const start = process.hrtime.bigint();
  const { status } = spawnSync(file, args, {
    env: environment(command),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} (${command}) ended with ${status}`);
  return Number(process.hrtime.bigint() - start) / 1e6;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function compareStart(command: string, target: string): void {
  const bare: number[] = [];
  const ours: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    bare.push(time(process.execPath, ['-e', '0'], ''));
    ours.push(time(shell, ['-c', 'user bob'], command));
  }
  const ratios = ours.map((value, round) => value / (bare[round] ?? Number.NaN));
  const [a, b, ratio] = [median(ours), median(bare), median(ratios)].map((value) => value.toFixed(2));
  console.log(`${command.padEnd(12)} ${a} ms   node -e 0 ${b} ms   ratio ${ratio}   (target ${target})`);
}

/** Memory that nobody else shares, in MB (proc(5), smaps_rollup). */
function ownMemory(pid: number): number {
  const text = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kilobytes = [...text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB/gm)].map(([, number]) =>
    Number(number),
  );
  return kilobytes.reduce((sum, number) => sum + number, 0) / 1000;
}

/** User and system time used so far, in clock ticks. */
function cpuTicks(pid: number): number {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function measureWaiters(): Promise<void> {
  const start = (): ChildProcess =>
    spawn(shell, ['-c', 'user bob'], { env: environment('console'), stdio: ['pipe', 'ignore', 'inherit'] });
  const holder = start();
  await sleep(500);
  const waiters = Array.from({ length: WAITERS }, start);
  await sleep(2000);
  const pids = waiters.map(({ pid }) => pid ?? 0);
  const before = pids.map(cpuTicks);
  await sleep(5000);
  const used = pids.map((pid, index) => cpuTicks(pid) - (before[index] ?? 0)).reduce((a, b) => a + b, 0);
  const memory = pids.map(ownMemory);
  console.log(
    `${WAITERS} waiting clients: own memory ${median(memory).toFixed(1)} MB each, at most ${Math.max(...memory).toFixed(1)} MB (target 15); CPU in 5 s: ${used} ticks`,
  );
  const left = fs.readlinkSync(`/proc/${holder.pid}/exe`);
  console.log(
    `the process of the console session: ${left}, own memory ${ownMemory(holder.pid ?? 0).toFixed(1)} MB`,
  );
  for (const process of [...waiters, holder]) process.kill('SIGTERM');
}

/** A built-in console (novaboot-console), from login to Connected. */
async function measureConsole(): Promise<void> {
  const board = net.createServer((socket) => socket.on('error', () => {}));
  await once(board.listen(0, '127.0.0.1'), 'listening');
  const { port } = board.address() as net.AddressInfo;
  fs.writeFileSync(path.join(home, '.novaboot-shell'), `console=tcp:127.0.0.1:${port}\n`);
  const times: number[] = [];
  const memory: number[] = [];
  for (let round = 0; round < ROUNDS / 2; round++) {
    const start = process.hrtime.bigint();
    const child = spawn(shell, ['-c', 'user bob'], {
      env: environment('console'),
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    await once(child.stdout, 'data');
    times.push(Number(process.hrtime.bigint() - start) / 1e6);
    memory.push(ownMemory(consoleOf(child.pid ?? 0)));
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  board.close();
  console.log(
    `built-in console: ${median(times).toFixed(0)} ms to Connected, own memory ${median(memory).toFixed(1)} MB`,
  );
}

/** The process at the end of the line of first children: proc_pid_children(5). */
function consoleOf(pid: number): number {
  const [child = ''] = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ');
  return child === '' ? pid : consoleOf(Number(child));
}

compareStart('get-config', '1.5');
compareStart('help', '1.3');
compareStart('status', 'none');
compareStart('reset', 'none');
compareStart('why', 'none');
await measureWaiters();
await measureConsole();
fs.rmSync(home, { recursive: true });
