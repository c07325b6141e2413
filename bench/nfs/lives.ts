/** What a server does when it is started: first answer, idle memory, and handles from before. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadProcess } from './load-process.ts';
import { ownMemory, peakMemory } from './process-figures.ts';
import { type Program, startServer } from './server.ts';

const STARTS = 5;
/** Milliseconds. */
const IDLE_TIME = 5000;

export interface StartFigures {
  /** Milliseconds from the start of the process to its first answer, of each start. */
  readonly firstAnswer: number[];
  /** KiB after some seconds without work: private, and VmHWM so far. */
  readonly ownMemory: number;
  readonly peakMemory: number;
}

export async function measureStart(
  program: Program,
  exportPath: string,
  directory: string,
): Promise<StartFigures> {
  const firstAnswer: number[] = [];
  let memory = { ownMemory: 0, peakMemory: 0 };
  for (let start = 0; start < STARTS; start++) {
    const server = await startServer(program, exportPath, directory, []);
    try {
      firstAnswer.push(server.startTime ?? Number.NaN);
      if (start < STARTS - 1) continue;
      await sleep(IDLE_TIME);
      const { pid } = server.address;
      memory = { ownMemory: ownMemory(pid), peakMemory: peakMemory(pid) };
    } finally {
      await server.stop();
    }
  }
  return { firstAnswer, ...memory };
}

const RESTARTS = 3;
const HANDLES = 200;

export interface HandleFigures {
  /** Milliseconds of the first GETATTR after each restart, on another file each time. */
  readonly first: number[];
  /** The same for all further handles of the last restart. */
  readonly later: number[];
}

/** The tree of `files` files lies in `exportPath`/`name`. */
export async function measureOldHandles(
  load: LoadProcess,
  program: Program,
  exportPath: string,
  name: string,
  files: number,
  directory: string,
): Promise<HandleFigures> {
  const step = Math.floor(files / HANDLES) || 1;
  // Spread over the tree, and not in its order.
  const chosen = Array.from(
    { length: Math.min(HANDLES, files) },
    (_, index) => ((index * 77) % HANDLES) * step,
  );
  let server = await startServer(program, exportPath, directory, [name]);
  let handles: string[] = [];
  try {
    handles = await load.do('rememberHandles', { server: server.address, files: chosen });
  } finally {
    await server.stop();
  }
  const first: number[] = [];
  let later: number[] = [];
  for (let restart = 0; restart < RESTARTS; restart++) {
    spawnSync('find', [path.join(exportPath, name), '-size', '+1'], { stdio: 'ignore' });
    server = await startServer(program, exportPath, directory, [name]);
    try {
      const rotated = [...handles.slice(restart * 60 + 59), ...handles.slice(0, restart * 60 + 59)];
      const [one = Number.NaN, ...others] = await load.do('firstUse', {
        server: server.address,
        handles: rotated,
      });
      first.push(one);
      later = others;
    } finally {
      await server.stop();
    }
  }
  return { first, later };
}
