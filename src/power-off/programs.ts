/** Programs of the system, run with nothing that a user could have put into our environment. */
import {
  type SpawnSyncOptionsWithStringEncoding,
  type SpawnSyncReturns,
  spawnSync,
} from 'node:child_process';
import { printable } from '../shell/text.ts';

const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

/** Longer than what units wait for (novaboot-power@.service). */
const LIMIT_MS = 300_000;
const MAX_OUTPUT = 64 * 1024 * 1024;

/** @param inSession whether a terminal's Ctrl-C reaches it too */
export function runProgram(
  file: string,
  args: readonly string[],
  { inSession = true }: { inSession?: boolean } = {},
): SpawnSyncReturns<string> {
  const options: SpawnSyncOptionsWithStringEncoding & { detached: boolean } = {
    detached: !inSession,
    cwd: '/',
    env: ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    timeout: LIMIT_MS,
    maxBuffer: MAX_OUTPUT,
  };
  return spawnSync(file, args, options);
}

/** What a program prints; undefined if it fails. */
export function outputOf(file: string, args: readonly string[]): string | undefined {
  const { status, stdout } = runProgram(file, args);
  return status === 0 ? stdout : undefined;
}

/** For a message. */
export function lastLine(text: string): string {
  return printable(text.trimEnd().split('\n').at(-1) ?? '').slice(0, 300);
}

/** systemctl(1) of the system manager. */
export function systemctl(...args: readonly string[]): SpawnSyncReturns<string> {
  return runProgram('systemctl', ['--no-ask-password', ...args]);
}

/** Properties of a unit, by their names. */
export function unitProperties<Name extends string>(
  unit: string,
  names: readonly Name[],
): Record<Name, string> {
  const lines = systemctl('show', '-p', names.join(), unit).stdout.split('\n');
  const value = (name: Name) =>
    lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
  return Object.fromEntries(names.map((name) => [name, value(name)])) as Record<Name, string>;
}
