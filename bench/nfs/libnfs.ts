/** The same server seen by a client that is not ours: the programs of Debian's package libnfs-utils. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpuNanoseconds } from './process-figures.ts';
import type { ServerAddress } from './session.ts';
import { FILES, LARGE_SIZE } from './tree.ts';

export interface LibnfsRun {
  readonly name: string;
  readonly title: string;
  /** What the rate is counted in. */
  readonly unit: 'MB' | 'entries';
  readonly amount: number;
  readonly command: (url: (name: string) => string, file: string) => readonly string[];
}

/** Each copy is a new file. */
let copies = 0;

export const LIBNFS_RUNS: readonly LibnfsRun[] = [
  {
    name: 'nfs-cat',
    title: 'nfs-cat of 64 MiB',
    unit: 'MB',
    amount: LARGE_SIZE / 1e6,
    command: (url) => ['nfs-cat', url('large')],
  },
  {
    name: 'nfs-cp',
    title: 'nfs-cp of 64 MiB to the server',
    unit: 'MB',
    amount: LARGE_SIZE / 1e6,
    command: (url, file) => ['nfs-cp', file, url(`work/copied-${copies++}`)],
  },
  {
    name: 'nfs-ls',
    title: 'nfs-ls of 10,000 files',
    unit: 'entries',
    amount: FILES,
    command: (url) => ['nfs-ls', url('files')],
  },
];

/** `amount` per second, and CPU seconds of the server. */
export interface LibnfsFigures {
  readonly rate: number;
  readonly serverCpu: number;
}

function urlOf({ address, port, mountPort, exportPath, directory }: ServerAddress, name: string): string {
  const path = [exportPath, ...directory, name].join('/');
  return `nfs://${address}${path}?version=3&uid=0&gid=0&nfsport=${port}&mountport=${mountPort}`;
}

/** `file`: a local file of 64 MiB. */
export async function runLibnfs(run: LibnfsRun, server: ServerAddress, file: string): Promise<LibnfsFigures> {
  const [program = '', ...args] = run.command((name) => urlOf(server, name), file);
  const before = cpuNanoseconds(server.pid);
  const start = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const [code] = await once(child, 'close');
  const seconds = (performance.now() - start) / 1000;
  if (code !== 0)
    throw new Error(`${program} ended with ${code}: ${Buffer.concat(errors).toString().trim()}`);
  return { rate: run.amount / seconds, serverCpu: (cpuNanoseconds(server.pid) - before) / 1e9 };
}
