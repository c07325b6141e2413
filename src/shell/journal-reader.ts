/** Reads the journal back: records, and one entry for each time that somebody had the board or did something to it. */
import fs from 'node:fs';
import * as z from 'zod/mini';
import { linesFromEnd } from '../system/lines-from-end.ts';
import { journalPath } from './journal.ts';

const common = { version: z.literal(1), time: z.iso.datetime() };
const powerSchema = z.object({
  ...common,
  event: z.literal('power'),
  user: z.nullable(z.string()),
  action: z.enum(['on', 'off', 'reset']),
  /** The exit status of what switched; null before it began. */
  status: z.nullable(z.int()),
});
const recordSchema = z.discriminatedUnion('event', [
  z.object({
    ...common,
    session: z.string(),
    event: z.enum(['start', 'done']),
    user: z.nullable(z.string()),
    from: z.string(),
    command: z.string(),
  }),
  z.object({ ...common, session: z.string(), event: z.literal('end'), status: z.int() }),
  powerSchema,
]);

type JournalRecord = z.infer<typeof recordSchema>;
export type PowerRecord = z.infer<typeof powerSchema>;

export interface PastSession {
  readonly user: string | null;
  readonly from: string;
  readonly command: string;
  /** UTC, ISO 8601. */
  readonly start: string;
  /** null while it runs, and where the session was killed. */
  end: string | null;
  /** Exit status, 128 + signal; null where it is not known. */
  status: number | null;
  running: boolean;
}

/** Bytes: more than a journal has. */
const MAX_LOOKED_AT = 2 * 1024 * 1024;
/** Records that are none, of which a full disk makes few: more were written by the account, and each takes its time. */
const MAX_BROKEN = 100;

function readLines(file: string): string[] {
  try {
    return fs.readFileSync(file, 'utf8').split('\n');
  } catch {
    // Nothing has been recorded yet.
    return [];
  }
}

function parseRecord(line: string): JournalRecord | undefined {
  try {
    return recordSchema.parse(JSON.parse(line));
  } catch {
    // Half a line, from a disk that was full.
    return undefined;
  }
}

/** Oldest first. @param text what a line of interest has in it, if not all are */
export function readJournal(home: string, text = ''): JournalRecord[] {
  const file = journalPath(home);
  const lines = [...readLines(`${file}.1`), ...readLines(file)];
  return lines
    .filter((line) => line.includes(text))
    .map(parseRecord)
    .filter((entry) => entry !== undefined);
}

/** The last of those that tell of switching. */
export function lastPowerRecord(home: string): PowerRecord | undefined {
  const file = journalPath(home);
  let broken = 0;
  for (const name of [file, `${file}.1`]) {
    for (const line of linesFromEnd(name, MAX_LOOKED_AT)) {
      if (!line.includes('"event":"power"')) continue;
      const entry = parseRecord(line);
      if (entry?.event === 'power') return entry;
      broken += 1;
      if (broken === MAX_BROKEN) return undefined;
    }
  }
  return undefined;
}

/** Oldest first. @param holders names of the sessions that have the board now (`sessionName`) */
export function readDeeds(home: string, holders: ReadonlySet<string>): PastSession[] {
  const sessions: PastSession[] = [];
  const open = new Map<string, PastSession>();
  for (const entry of readJournal(home)) {
    if (entry.event === 'power') continue;
    if (entry.event === 'end') {
      const session = open.get(entry.session);
      if (session) Object.assign(session, { end: entry.time, status: entry.status });
      open.delete(entry.session);
      continue;
    }
    const { user, from, command, time } = entry;
    const end = entry.event === 'done' ? time : null;
    const session: PastSession = { user, from, command, start: time, end, status: null, running: false };
    sessions.push(session);
    if (entry.event === 'start') open.set(entry.session, session);
  }
  for (const [name, session] of open) session.running = holders.has(name);
  return sessions;
}
