/** What the shell noted of power, as events. */
import type { PowerRecord } from '../../shell/journal-reader.ts';
import type { PowerEvent } from './event.ts';

/** Through systemd, the unit switches within the user's own switching. */
function isPartOf({ action, user }: PowerRecord, whole: PowerEvent | undefined): boolean {
  return user === null && whole?.status === null && whole.user !== null && whole.action === action;
}

/** The record before a switching and the one after it are one event, from when it began. @param records oldest first */
export function powerEvents(records: readonly PowerRecord[]): PowerEvent[] {
  const events: PowerEvent[] = [];
  for (const record of records) {
    const last = events.at(-1);
    if (isPartOf(record, last)) continue;
    const { action, user, status } = record;
    const begun = events.findLastIndex(
      (event) => event.status === null && event.action === action && event.user === user,
    );
    const before = status === null ? undefined : events[begun];
    if (before === undefined)
      events.push({ event: 'power', time: Date.parse(record.time), action, user, status });
    else events[begun] = { ...before, status };
  }
  return events;
}
