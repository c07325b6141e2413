/** Tells who had the board when, from the journal. */

import { wantsJson } from '../shell/arguments.ts';
import type { Session } from '../shell/command.ts';
import { sessionName } from '../shell/journal.ts';
import { readDeeds } from '../shell/journal-reader.ts';
import { openLock } from '../shell/lock.ts';
import { writeJson, writeOut } from '../shell/output.ts';
import { occupants } from '../shell/queue.ts';
import { localTime, table } from '../shell/text.ts';

/** As many as a terminal shows; --json gives all. */
const SHOWN = 50;

export function run({ home, lockDirectory }: Session, args: readonly string[]): void {
  const json = wantsJson('history', args);
  const holders = occupants(openLock(lockDirectory)).filter(({ waiting }) => !waiting);
  const sessions = readDeeds(home, new Set(holders.map(({ pid }) => sessionName(pid))));
  if (json) {
    writeJson({ sessions });
    return;
  }
  const rows = sessions.slice(-SHOWN).map(({ start, end, running, user, from, command, status }) => {
    const until = running ? 'now' : end === null ? '?' : localTime(end);
    return [localTime(start), until, user ?? '?', from, command, status === null ? '' : String(status)];
  });
  writeOut(table([['FROM_TIME', 'UNTIL', 'USER', 'FROM', 'COMMAND', 'STATUS'], ...rows]));
}
