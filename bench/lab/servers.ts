/** NFS servers that nobody uses: what each takes, and that all are gone when their time is over. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median, program } from './figures.ts';

const SERVERS = 100;
/** Longer than all of them need to start. */
const IDLE_SECONDS = 120;
const CALM_MS = 5000;

/** Megabytes of proc(5), smaps_rollup. */
function memory(pid: number): { own: number; proportional: number } {
  const text = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const sum = (pattern: RegExp) =>
    [...text.matchAll(pattern)].reduce((total, [, kilobytes]) => total + Number(kilobytes), 0) / 1000;
  return { own: sum(/^Private_(?:Clean|Dirty):\s+(\d+) kB/gm), proportional: sum(/^Pss:\s+(\d+) kB/gm) };
}

/** As a socket unit starts it; resolves when it serves. */
async function start(home: string, number: number): Promise<ChildProcess> {
  const base = path.join(home, `user${number}`);
  fs.mkdirSync(path.join(base, 'root'), { recursive: true });
  const socket = net.createServer().listen(0, '127.0.0.1');
  await once(socket, 'listening');
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
  const options = ['--foreground', '--allow', '127.0.0.1', '--idle', String(IDLE_SECONDS), '--base', base];
  const files = ['--port-file', `${base}.ports`, path.join(base, 'root')];
  const activated = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"';
  const child = spawn('/bin/sh', ['-c', activated, program('novaboot-nfsd'), ...options, ...files], {
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['ignore', 'pipe', 'pipe', fd],
  });
  let said = '';
  child.stderr?.on('data', (text) => {
    said += text;
  });
  await Promise.race([
    once(child.stdout as NodeJS.ReadableStream, 'data'),
    once(child, 'exit').then(() => Promise.reject(new Error(`a server ended at its start: ${said}`))),
  ]);
  socket.close();
  return child;
}

export async function measureServers(): Promise<void> {
  // Not on a tmpfs, which lacks user attributes with some kernels.
  const home = fs.mkdtempSync(path.join(os.homedir(), 'novaboot-bench-'));
  const servers: ChildProcess[] = [];
  try {
    const began = performance.now();
    for (let number = 1; number <= SERVERS; number += 1) servers.push(await start(home, number));
    const started = (performance.now() - began) / 1000;
    const ended = Promise.all(servers.map((server) => server.exitCode ?? once(server, 'exit')));
    await sleep(CALM_MS);
    const figures = servers.map(({ pid }) => memory(pid ?? 0));
    const own = figures.map((figure) => figure.own);
    const proportional = figures.map((figure) => figure.proportional);
    console.log(
      `${SERVERS} idle NFS servers: own memory ${median(own).toFixed(1)} MB each, at most ${Math.max(...own).toFixed(1)} MB` +
        ` (goal 20); with their share of common pages ${median(proportional).toFixed(1)} MB;` +
        ` started in ${started.toFixed(0)} s`,
    );
    await Promise.race([ended, sleep((IDLE_SECONDS * 2 + 60) * 1000, undefined, { ref: false })]);
    const left = servers.filter(({ exitCode }) => exitCode === null);
    const wrong = servers.filter(({ exitCode }) => exitCode !== null && exitCode !== 0);
    console.log(
      `after ${IDLE_SECONDS} s without a client: ${left.length} left (goal 0), ${wrong.length} failed`,
    );
  } finally {
    for (const server of servers) server.kill('SIGKILL');
    fs.rmSync(home, { recursive: true });
  }
}
