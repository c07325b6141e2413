/** Who did what to the board: an append-only file of JSON lines, ~/.local/state/novaboot/journal. */
import fs from 'node:fs';
import path from 'node:path';
import { flock, LOCK_EX } from '../system/descriptors.ts';
import { processStat } from '../system/proc.ts';
import type { Session } from './command.ts';

/** Past this size the journal starts anew; one older file is kept. */
const MAX_BYTES = 1024 * 1024;

export function journalPath(home: string): string {
  return path.join(home, '.local/state/novaboot/journal');
}

/** Names a process in the journal: its number alone is used again. */
export function sessionName(pid: number): string {
  return `${pid}.${processStat(pid)?.startTime}`;
}

export interface Journal {
  readonly fd: number;
  /** Names this process in its records. */
  readonly session: string;
}

/** Two sessions at once must not take each other's new file for the old one. */
function rotate(file: string): void {
  const isFull = () => (fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES;
  if (!isFull()) return;
  const directory = fs.openSync(path.dirname(file), 'r');
  try {
    flock(directory, LOCK_EX);
    if (isFull()) fs.renameSync(file, `${file}.1`);
  } finally {
    fs.closeSync(directory);
  }
}

/** Opens the journal for appending; undefined where it cannot be written, which must not stop a user. */
export function openJournal(home: string): Journal | undefined {
  const file = journalPath(home);
  try {
    rotate(file);
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    return { fd: fs.openSync(file, 'a', 0o600), session: sessionName(process.pid) };
  } catch {
    return undefined;
  }
}

/** The beginning of the record that ends a session; the time, the exit status and `}` follow. */
export function endRecord(journal: Journal | undefined): string {
  return JSON.stringify({ version: 1, event: 'end', session: journal?.session }).slice(0, -1);
}

/** The beginning of a record that tells of switching the board; the time, the action, the exit status and `}` follow. */
export function powerRecord(user: string | undefined, session: string): string {
  return JSON.stringify({ version: 1, event: 'power', session, user: user ?? null }).slice(0, -1);
}

/** `start`: has the board from now on. `done`: did something at once. */
type Event = 'start' | 'done';

/** Appends what a session does. A full disk is no reason to refuse the board. */
export function record(journal: Journal | undefined, event: Event, session: Session, command: string): void {
  if (journal === undefined) return;
  const time = `${new Date().toISOString().slice(0, 19)}Z`;
  const from =
    session.env.NOVABOOT_ID?.split(' ')[2] ?? session.env.SSH_CONNECTION?.split(' ')[0] ?? 'localhost';
  const user = session.user ?? null;
  const entry = { version: 1, event, session: journal.session, time, user, from, command };
  try {
    fs.writeSync(journal.fd, `${JSON.stringify(entry)}\n`);
  } catch {
    // As above.
  }
}

/** Appends what an administrator did. */
export function recordAdministration(session: Session, command: string): void {
  record(openJournal(session.home), 'done', session, command);
}
