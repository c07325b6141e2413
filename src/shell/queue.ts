/** Who has the board and who waits for it, from the kernel's own records. */
import { flockRecords, processStat, processVariable } from '../system/proc.ts';
import { printable, table } from './text.ts';

export interface Occupant {
  readonly pid: number;
  readonly waiting: boolean;
  /** "?" for a key without a forced command, and for a process that does not say. */
  readonly user: string;
  /** Local time, YYYY-MM-DD_HH:MM:SS. */
  readonly since: string;
  readonly from: string;
}

/**
 * Holders first, then waiters, each in the order of their login.
 *
 * @param lockFd of the board's lock
 */
export function occupants(lockFd: number, records = flockRecords(lockFd)): Occupant[] {
  const found = records.map(({ pid, waiting }) => {
    const identity = printable(processVariable(pid, 'NOVABOOT_ID') ?? '').split(' ');
    const [user = '?', since = '?', from = '?'] = identity.map((word) => word || '?');
    return { pid, waiting, user, since, from };
  });
  return found.sort((a, b) => Number(a.waiting) - Number(b.waiting) || a.since.localeCompare(b.since));
}

/** The lines that a waiting client sees first; empty for a free board. */
export function queueText(queue: readonly Occupant[]): string {
  if (queue.length === 0) return '';
  const rows = queue.map(({ pid, user, since, from }) => [String(pid), user, since, from]);
  return `Target is occupied by:\n${table([['PID', 'USER', 'LOGIN_TIME', 'FROM'], ...rows])}`;
}

/**
 * Whether one who has the board belongs to the connection whose sshd process is `parent`.
 *
 * A holder names its connection by its real parent, or in NOVABOOT_PPID. A process that is younger than the holder
 * cannot have started it: its number has been used again.
 */
export function isOurConnection(queue: readonly Occupant[], parent: number): boolean {
  const parentStart = processStat(parent)?.startTime;
  if (parent <= 1 || parentStart === undefined) return false;
  return queue.some(({ pid, waiting }) => {
    if (waiting) return false;
    const holder = processStat(pid);
    if (holder === undefined || holder.startTime < parentStart) return false;
    return holder.parent === parent || processVariable(pid, 'NOVABOOT_PPID') === String(parent);
  });
}
