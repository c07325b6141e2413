/** The timed part: every workload in interleaved rounds, so that the machine's mood is in every server's figures. */
import type { RunFigures } from './engine.ts';
import { LIBNFS_RUNS, type LibnfsFigures, runLibnfs } from './libnfs.ts';
import type { LoadProcess } from './load-process.ts';
import type { RunningServer } from './server.ts';
import type { ServerAddress } from './session.ts';
import { countSystemCalls, type SystemCalls } from './system-calls.ts';
import type { Workload } from './workload.ts';

/** Figures of one server under one workload. */
export interface ServerFigures {
  readonly rounds: RunFigures[];
  /** Why it did not get through. */
  error?: string;
  /** System calls by name, and the units that they were counted over. */
  systemCalls?: { readonly counts: SystemCalls; readonly units: number };
}

export interface WorkloadFigures {
  readonly workload: Workload;
  readonly servers: Map<string, ServerFigures>;
}

/** System calls are counted over that share of the items: strace is slow. */
const COUNTED_SHARE = 0.2;

async function runOnce(load: LoadProcess, server: ServerAddress, workload: Workload, scale: number) {
  const run = { server: server.name, workload: workload.name, scale };
  await load.do('prepare', run);
  return load.do('run', run);
}

/** A workload that fails is over for that server, which gets new connections for the next one. */
async function attempt(
  load: LoadProcess,
  server: ServerAddress,
  figures: ServerFigures,
  work: () => Promise<void>,
) {
  if (figures.error !== undefined) return;
  try {
    await work();
  } catch (error) {
    figures.error = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${server.name}: ${figures.error}\n`);
    await load.do('close', server.name);
    await load.do('open', server);
  }
}

export interface RoundOptions {
  readonly rounds: number;
  readonly scale: number;
  /** Directory for strace's output; without it system calls are not counted. */
  readonly callsDirectory?: string;
  readonly timed: boolean;
}

export async function runRounds(
  load: LoadProcess,
  servers: readonly RunningServer[],
  workload: Workload,
  { rounds, scale, callsDirectory, timed }: RoundOptions,
): Promise<WorkloadFigures> {
  const all = new Map(servers.map(({ address }): [string, ServerFigures] => [address.name, { rounds: [] }]));
  // The first round warms up page cache and compilers, and is not counted.
  for (let round = 0; timed && round <= rounds; round++) {
    for (let turn = 0; turn < servers.length; turn++) {
      const { address } = servers[(round + turn) % servers.length] as RunningServer;
      const figures = all.get(address.name) as ServerFigures;
      await attempt(load, address, figures, async () => {
        const run = await runOnce(load, address, workload, scale);
        if (round > 0) figures.rounds.push(run);
      });
    }
  }
  if (callsDirectory !== undefined) {
    for (const { address } of servers) {
      const figures = all.get(address.name) as ServerFigures;
      const run = { server: address.name, workload: workload.name, scale: scale * COUNTED_SHARE };
      await attempt(load, address, figures, async () => {
        await load.do('prepare', run);
        let units = 0;
        const counts = await countSystemCalls(address.pid, callsDirectory, async () => {
          ({ units } = await load.do('run', run));
        });
        figures.systemCalls = { counts, units };
      });
    }
  }
  return { workload, servers: all };
}

/** Rounds of each program of libnfs-utils, by its name and the server's. */
export async function runLibnfsRounds(
  servers: readonly RunningServer[],
  rounds: number,
  file: string,
): Promise<Map<string, Map<string, LibnfsFigures[]>>> {
  const all = new Map<string, Map<string, LibnfsFigures[]>>();
  for (const run of LIBNFS_RUNS) {
    const figures = new Map<string, LibnfsFigures[]>();
    all.set(run.name, figures);
    for (let round = 0; round <= rounds; round++) {
      for (const { address } of servers) {
        const one = await runLibnfs(run, address, file);
        if (round > 0) figures.set(address.name, [...(figures.get(address.name) ?? []), one]);
      }
    }
  }
  return all;
}
