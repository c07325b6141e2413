/** The end of all that runs as a board's account. */
import fs from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { outputOf, systemctl } from '../power-off/programs.ts';
import { CommandError } from '../shell/errors.ts';
import { writeError } from '../shell/output.ts';
import type { Account } from './account.ts';
import { isSystemdRunning } from './systemd.ts';

/** Processes of a container may have the same uid, and another user. */
function processesOf(uid: number): number[] {
  const ours = fs.readlinkSync('/proc/self/ns/pid');
  const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      return fs.statSync(`/proc/${pid}`).uid === uid && fs.readlinkSync(`/proc/${pid}/ns/pid`) === ours;
    } catch {
      // It has ended.
      return false;
    }
  });
}

const LOOKS = 50;
const BETWEEN_MS = 100;

/** The look after which a terminal is told what takes so long. */
const TELLING_LOOK = 10;

/** @returns whether none is left */
async function end({ name, uid }: Account, signal: NodeJS.Signals): Promise<boolean> {
  for (let look = 0; look < LOOKS; look++) {
    const pids = processesOf(uid);
    if (pids.length === 0) return true;
    if (look === TELLING_LOOK && isatty(2))
      writeError(`novaboot-admin: waiting for processes of ${name} to end by ${signal} (${pids.length})\n`);
    for (const pid of pids) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended.
      }
    }
    await pause(BETWEEN_MS);
  }
  return false;
}

/**
 * Ends all that runs as the account: sessions, its user manager, NFS servers. What could be entered meanwhile is the
 * caller's to close. The board stays on or off, as it is.
 *
 * @throws CommandError if a process does not end
 */
export async function endSessions(account: Account): Promise<void> {
  const { name, uid } = account;
  if (uid === 0) throw new CommandError(`${name} has root's uid`);
  if (isSystemdRunning()) {
    systemctl('stop', `novaboot-power-off@${name}.timer`, `novaboot-sessions@${uid}.path`);
    outputOf('loginctl', ['terminate-user', '--', name]);
    systemctl('stop', `user@${uid}.service`);
  }
  if (!(await end(account, 'SIGTERM')) && !(await end(account, 'SIGKILL')))
    throw new CommandError(`Processes of ${name} do not end: see ps -u ${uid}`);
  // What has failed meanwhile or before concerns nobody any more.
  if (isSystemdRunning()) systemctl('reset-failed', `novaboot-*@${name}.*`, `novaboot-*@${uid}.*`);
}
