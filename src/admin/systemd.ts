/** What systemd is like here. */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { outputOf } from '../power-off/programs.ts';
import { writeError } from '../shell/output.ts';

const LINGERING = '/var/lib/systemd/linger';

/** sd_booted(3) */
export function isSystemdRunning(): boolean {
  return fs.existsSync('/run/systemd/system');
}

export function isLingering(name: string): boolean {
  return fs.existsSync(path.join(LINGERING, name));
}

/** More than logind's UserStopDelaySec=, which is 10 s. */
const FORGETTING_MS = 15_000;
const BETWEEN_MS = 100;
/** After which a terminal is told. */
const TELLING_MS = 500;

/**
 * Waits until logind(8) has forgotten a former account with the uid. It remembers one for some seconds after its last
 * session, and then stops the systemd of that uid, whoever has it by then.
 */
export async function untilForgotten(uid: number, name: string): Promise<void> {
  if (!isSystemdRunning()) return;
  const words = ['show-user', '--property=Name', '--value', String(uid)];
  for (let waited = 0; waited < FORGETTING_MS; waited += BETWEEN_MS) {
    const remembered = outputOf('loginctl', words)?.trim() || name;
    if (remembered === name) return;
    if (waited === TELLING_MS && isatty(2))
      writeError(
        `novaboot-admin: waiting for systemd-logind to forget ${remembered}, who had the uid ${uid}\n`,
      );
    await pause(BETWEEN_MS);
  }
}
