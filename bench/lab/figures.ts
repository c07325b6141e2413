/** What the parts of this benchmark have in common. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const DIST = path.resolve(import.meta.dirname, '../../dist');

export function program(name: string): string {
  return path.join(DIST, name);
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Wall time of one run in milliseconds. @param statuses with which it may end @throws Error if it fails */
export function time(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  statuses: readonly (number | null)[] = [0],
): number {
  const [file = '', ...args] = argv;
  const start = process.hrtime.bigint();
  const { status, stderr } = spawnSync(file, args, {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  const taken = Number(process.hrtime.bigint() - start) / 1e6;
  if (!statuses.includes(status)) throw new Error(`${argv.join(' ')} ended with ${status}: ${stderr}`);
  return taken;
}
