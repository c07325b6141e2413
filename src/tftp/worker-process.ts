/** A worker as the supervisor sees it. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { StartError } from '../system/start-error.ts';
import { type Counts, countsSchema } from './counts.ts';
import { type Plan, planFile } from './plan.ts';
import { Said, stageVariable } from './stage.ts';

export interface WorkerProcess {
  /** Rejects if the worker ends before it serves. */
  readonly ready: Promise<void>;
  /** How it ended, in words. */
  readonly ended: Promise<string>;
  /** Lets it end with its last transfer. Resolves as soon as it takes no more requests. */
  stop(): Promise<void>;
  kill(): void;
}

/** What takes longer hangs. */
const START_MS = 20_000;
const STOP_MS = 10_000;
/** Longer than what it counts for all boards of a laboratory. */
const MAX_SAID = 1024 * 1024;

/** Workers read what strangers send: what they say is looked at. */
function told(line: string, counted: (counts: Counts) => void): void {
  try {
    counted(countsSchema.parse(JSON.parse(line)));
  } catch {
    // Half a line, of one that was killed.
  }
}

/**
 * @param sockets descriptors, which the worker gets too
 * @param counted what it has counted since it told last
 */
export function startWorker(
  plan: Plan,
  sockets: readonly number[],
  counted: (counts: Counts) => void,
): WorkerProcess {
  const planned = planFile(plan);
  const { execPath, execArgv, argv } = process;
  const child = spawn(execPath, [...execArgv, ...argv.slice(1)], {
    env: stageVariable({ stage: 'confine', supervisor: process.pid, sockets: sockets.length }),
    cwd: '/',
    stdio: [planned, 'pipe', 'inherit', ...sockets],
  });
  fs.closeSync(planned);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (status, signal) => resolve(signal ?? `status ${status}`));
  });
  const [ready, stopped] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MS);
  void ended.then((how) => {
    clearTimeout(timer);
    ready.reject(new StartError(`a worker ended at its start (${how})`));
    stopped.resolve();
  });
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    clearTimeout(timer);
    const lines = `${rest}${text}`.slice(-MAX_SAID).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === Said.ready) ready.resolve();
      else if (line === Said.stopped) stopped.resolve();
      else told(line, counted);
    }
  });
  return {
    ready: ready.promise,
    ended,
    stop() {
      child.kill('SIGTERM');
      const hanging = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      return stopped.promise.finally(() => clearTimeout(hanging));
    },
    kill: () => child.kill('SIGKILL'),
  };
}
