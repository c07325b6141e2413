/** System calls of a server while it works, by strace(1) attached to all of its threads. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';

/** Counts by name. */
export type SystemCalls = ReadonlyMap<string, number>;

/** Runs `work` with strace attached. It slows the server many times: nothing is timed meanwhile. */
export async function countSystemCalls(
  pid: number,
  directory: string,
  work: () => Promise<unknown>,
): Promise<SystemCalls> {
  const output = path.join(directory, 'strace');
  const strace = spawn('strace', ['-f', '-c', '-o', output, '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exit = once(strace, 'exit');
  try {
    await Promise.race([
      once(strace.stderr, 'data'),
      exit.then(() => Promise.reject(new Error('strace cannot attach'))),
    ]);
    // Its other threads are attached right after the first.
    await new Promise((resolve) => setTimeout(resolve, 100));
    await work();
  } finally {
    strace.kill('SIGINT');
    await exit;
  }
  return parse(fs.readFileSync(output, 'utf8'));
}

/** Lines "% time, seconds, usecs/call, calls, errors or nothing, name". */
function parse(text: string): SystemCalls {
  const lines = text.matchAll(/^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$/gm);
  const counts = [...lines].map(([, calls, name]): [string, number] => [name ?? '', Number(calls)]);
  return new Map(counts.filter(([name]) => name !== 'total'));
}
