/** Runs a program that tells something, bounded in time and in what it says. */
import { spawn } from 'node:child_process';

const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

/** Bytes of its output. */
const MAX_OUTPUT = 4 * 1024 * 1024;

export interface Answer {
  /** null for one that was ended: by a signal, or since it said too much. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * @param signal ends it, and what it has started
 * @param env its environment: without it nothing of ours
 * @returns undefined where it cannot be run, or time was up before
 */
export async function askProgram(
  file: string,
  args: readonly string[],
  signal: AbortSignal,
  env: Readonly<Record<string, string>> = ENVIRONMENT,
): Promise<Answer | undefined> {
  if (signal.aborted) return undefined;
  const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
  // A process group of its own, which can be ended as a whole.
  const child = spawn(file, args, { cwd: '/', env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const answer = (status: number | null) => {
    const text = (chunks: readonly Buffer[]) => Buffer.concat(chunks).toString();
    resolve({ status, stdout: text(output.stdout), stderr: text(output.stderr) });
  };
  child.once('error', () => resolve(undefined));
  child.once('close', answer);
  const end = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
    // What has left the group may keep them open, and a device that hangs keeps a process from ending.
    child.stdout.destroy();
    child.stderr.destroy();
    child.unref();
    answer(null);
  };
  let bytes = 0;
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_OUTPUT) end();
      else output[name].push(chunk);
    });
  }
  signal.addEventListener('abort', end);
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** What it prints; undefined where it cannot be run, or fails. */
export async function outputOf(
  file: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const answer = await askProgram(file, args, signal);
  return answer?.status === 0 ? answer.stdout : undefined;
}
