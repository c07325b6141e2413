/** Tells who has the board and who waits for it. */

import { wantsJson } from '../shell/arguments.ts';
import type { Session } from '../shell/command.ts';
import { openLock } from '../shell/lock.ts';
import { writeJson, writeOut } from '../shell/output.ts';
import { occupants } from '../shell/queue.ts';

export function run({ lockDirectory }: Session, args: readonly string[]): void {
  const json = wantsJson('status', args);
  const queue = occupants(openLock(lockDirectory));
  const holder = queue.find(({ waiting }) => !waiting);
  const waiters = queue.filter(({ waiting }) => waiting);
  if (json) {
    const shown = ({ pid, user, since, from }: (typeof queue)[number]) => ({ pid, user, since, from });
    writeJson({
      state: holder ? 'held' : 'free',
      holder: holder ? shown(holder) : null,
      waiters: waiters.map(shown),
    });
  } else if (holder === undefined) {
    writeOut('The board is free.\n');
  } else {
    writeOut(
      `The board is held by ${holder.user} from ${holder.from} since ${holder.since.replace('_', ' ')}.\n`,
    );
    if (waiters.length > 0) writeOut(`Waiting for it: ${waiters.map(({ user }) => user).join(', ')}.\n`);
  }
}
