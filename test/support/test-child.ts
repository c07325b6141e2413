/** Programs that run beside a test and end with it, however it ends. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Starts a program with pipes to it. It dies with this process, and also when this process has lost the one that runs
 * the tests (vitest's workers go on for a while).
 *
 * @param before options of setpriv(1)
 */
export function spawnTestChild(argv: readonly string[], before: readonly string[] = []): Child {
  const child: Child = spawn('setpriv', ['--pdeathsig', 'KILL', ...before, '--', ...argv], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const end = () => child.kill('SIGKILL');
  process.once('disconnect', end);
  child.once('exit', () => process.off('disconnect', end));
  child.stdin.on('error', () => {});
  child.stdout.setEncoding('utf8');
  child.stderr.setEncoding('utf8');
  return child;
}
