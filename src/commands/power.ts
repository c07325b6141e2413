/** Tells whether the board is on: what its power switch says, else what is remembered. */
import { spawnSync } from 'node:child_process';
import { wantsJson } from '../shell/arguments.ts';
import type { Session } from '../shell/command.ts';
import { readConfig } from '../shell/config.ts';
import { configuredProgram } from '../shell/configured-command.ts';
import { ExitCode } from '../shell/errors.ts';
import { writeError, writeJson, writeOut } from '../shell/output.ts';
import { powerText, readPowerState } from '../shell/power-state.ts';

const MAX_BYTES = 64 * 1024;
/** The driver is given 12 s; this is for what the configuration does besides. */
const DEADLINE_MS = 15_000;
/** timeout(1) */
const TIMEOUT_STATUS = 124;

/** Asks the power driver, and tells what goes wrong with that. @returns undefined if it cannot say */
function askDevice(session: Session): 'on' | 'off' | undefined {
  readConfig(session.configPath);
  const { file, args, env } = configuredProgram('state', session);
  const { status, stdout, stderr } = spawnSync(file, args.slice(1), {
    env: { ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: MAX_BYTES,
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  });
  if (status === 0 && (stdout === 'on\n' || stdout === 'off\n')) return stdout === 'on\n' ? 'on' : 'off';
  if (status !== ExitCode.notConfigured) {
    const how = status === null || status === TIMEOUT_STATUS ? 'no answer' : `status ${status}`;
    writeError(
      stderr || `novaboot-shell: Asking the power switch failed (${how}); this is what is remembered\n`,
    );
  }
  return undefined;
}

export function run(session: Session, args: readonly string[]): void {
  const json = wantsJson('power', args);
  const seen = askDevice(session);
  const remembered = readPowerState(session.home);
  // Who switched the board into another state, and when, says nothing of this one.
  const known = seen === undefined || seen === remembered.state;
  const power = known ? remembered : { state: seen, since: null, user: null };
  if (json) writeJson({ ...power, source: seen === undefined ? 'journal' : 'device' });
  else writeOut(powerText(power));
}
