/** Runs a program that tells something, bounded in time and in what it says. */

const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

/** Bytes of its output. */
export const MAX_OUTPUT = 4 * 1024 * 1024;

/** What it has said when it ends is read by then; what it leaves behind may keep the pipes open. */
const REST_MS = 1000;

export interface Answer {
  /** null for one that was ended by a signal, ours among them. */
  readonly status: number | null;
  /** Why we have ended it; absent for one that we have not. */
  readonly ended?: 'late' | 'flood';
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
  // Loaded when it is wanted: most boards need no program.
  const { spawn } = await import('node:child_process');
  if (signal.aborted) return undefined;
  const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
  // A process group of its own, which can be ended as a whole.
  const child = spawn(file, args, { cwd: '/', env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const answer = (status: number | null, ended?: Answer['ended']) => {
    const text = (chunks: readonly Buffer[]) => Buffer.concat(chunks).toString();
    const said = { stdout: text(output.stdout), stderr: text(output.stderr) };
    resolve({ status, ...said, ...(ended && { ended }) });
  };
  child.once('error', () => resolve(undefined));
  child.once('close', (status) => answer(status));
  // What has left the group may keep the pipes open, and a device that hangs keeps a process from ending.
  const letGo = () => {
    child.removeAllListeners('exit');
    child.stdout.destroy();
    child.stderr.destroy();
    child.unref();
  };
  let rest: NodeJS.Timeout | undefined;
  child.once('exit', (status) => {
    rest = setTimeout(() => {
      letGo();
      answer(status);
    }, REST_MS);
  });
  const end = (why: 'late' | 'flood') => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
    letGo();
    answer(null, why);
  };
  const late = () => end('late');
  let bytes = 0;
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_OUTPUT) end('flood');
      else output[name].push(chunk);
    });
  }
  signal.addEventListener('abort', late);
  try {
    return await promise;
  } finally {
    clearTimeout(rest);
    signal.removeEventListener('abort', late);
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
