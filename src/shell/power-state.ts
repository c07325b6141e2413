/** Whether the board is on, as the journal remembers it. */
import { lastPowerRecord, type PowerRecord, readJournal } from './journal-reader.ts';
import { localTime, printable } from './text.ts';

export interface PowerState {
  readonly state: 'on' | 'off' | 'unknown';
  /** Since when, UTC, ISO 8601; null where nothing is known of any switching. */
  readonly since: string | null;
  /** Who switched; null for a key without a name, and for systemd. */
  readonly user: string | null;
}

/** Each switching has two records, one before it and one after it, unless it was killed. Oldest first. */
export function readPowerRecords(home: string): PowerRecord[] {
  return readJournal(home, '"power"').filter((entry) => entry.event === 'power');
}

/** What the last switching left behind. One that failed, or that did not come to its end, tells nothing. */
export function readPowerState(home: string): PowerState {
  const last = lastPowerRecord(home);
  if (last === undefined) return { state: 'unknown', since: null, user: null };
  const { action, status, time: since, user } = last;
  return { state: status !== 0 ? 'unknown' : action === 'off' ? 'off' : 'on', since, user };
}

/** In words: a line. */
export function powerText({ state, since, user }: PowerState): string {
  const by = user === null ? '' : ` (${printable(user)})`;
  if (state !== 'unknown') {
    return since === null
      ? `The board is ${state}.\n`
      : `The board is ${state} since ${localTime(since)}${by}.\n`;
  }
  if (since === null) return 'Whether the board is on is not known: nobody has switched it yet.\n';
  return `Whether the board is on is not known: switching it at ${localTime(since)}${by} has not succeeded.\n`;
}
