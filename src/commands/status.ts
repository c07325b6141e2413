/** Tells who has the board, who waits for it, and whether it was left on. */

import { wantsJson } from '../shell/arguments.ts';
import type { Session } from '../shell/command.ts';
import { readKeep } from '../shell/keep.ts';
import { openLock } from '../shell/lock.ts';
import { writeJson, writeOut } from '../shell/output.ts';
import { powerText, readPowerState } from '../shell/power-state.ts';
import { occupants } from '../shell/queue.ts';
import { localTime, printable } from '../shell/text.ts';

export function run({ home, lockDirectory }: Session, args: readonly string[]): void {
  const json = wantsJson('status', args);
  const queue = occupants(openLock(lockDirectory));
  const holder = queue.find(({ waiting }) => !waiting);
  const waiters = queue.filter(({ waiting }) => waiting);
  const power = readPowerState(home);
  const keep = readKeep(home);
  if (json) {
    const shown = ({ pid, user, since, from }: (typeof queue)[number]) => ({ pid, user, since, from });
    writeJson({
      state: holder ? 'held' : 'free',
      holder: holder ? shown(holder) : null,
      waiters: waiters.map(shown),
      power,
      keep: keep ?? null,
    });
    return;
  }
  if (holder === undefined) {
    writeOut('The board is free.\n');
  } else {
    writeOut(
      `The board is held by ${holder.user} from ${holder.from} since ${holder.since.replace('_', ' ')}.\n`,
    );
    if (waiters.length > 0) writeOut(`Waiting for it: ${waiters.map(({ user }) => user).join(', ')}.\n`);
  }
  if (power.since !== null) writeOut(powerText(power));
  if (keep) writeOut(`It is kept on until ${localTime(keep.until)} for ${printable(keep.user ?? '?')}.\n`);
}
