/** What /proc tells of other processes and of locks (proc(5)). */
import fs from 'node:fs';

export interface ProcessStat {
  readonly parent: number;
  readonly group: number;
  /** Device number of the controlling terminal, 0 for none. */
  readonly terminal: number;
  /** Clock ticks after boot. With the pid it names one process for ever. */
  readonly startTime: number;
}

function readFile(path: string): string | undefined {
  try {
    return fs.readFileSync(path, 'latin1');
  } catch {
    // The process has ended, or belongs to another user.
    return undefined;
  }
}

/** /proc/PID/stat; undefined once the process has ended. */
export function processStat(pid: number): ProcessStat | undefined {
  const text = readFile(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The second field is the program's name in parentheses, which may hold blanks and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number) => Number(fields[number - 3]);
  return { parent: field(4), group: field(5), terminal: field(7), startTime: field(22) };
}

/** A variable of the environment that a process was started with; undefined if unset or not ours to read. */
export function processVariable(pid: number, name: string): string | undefined {
  const text = readFile(`/proc/${pid}/environ`);
  const entry = text?.split('\0').find((line) => line.startsWith(`${name}=`));
  return entry === undefined ? undefined : Buffer.from(entry.slice(name.length + 1), 'latin1').toString();
}

/** Processes with these words, one after the other, among their arguments. */
export function processesWith(words: readonly string[]): number[] {
  const wanted = Buffer.from(['', ...words, ''].join('\0'));
  const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      return fs.readFileSync(`/proc/${pid}/cmdline`).includes(wanted);
    } catch {
      // It has ended.
      return false;
    }
  });
}

/** Processes of this program, by the first 15 bytes of its name. */
export function processesNamed(program: string): number[] {
  const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => readFile(`/proc/${pid}/comm`) === `${program.slice(0, 15)}\n`);
}

export interface LockRecord {
  readonly pid: number;
  readonly waiting: boolean;
}

/** How the kernel's lock table names an open file. On btrfs and overlays the device is not what stat(2) says. */
export function lockTableName(
  fd: number,
  mounts = readFile('/proc/self/mountinfo') ?? '',
): string | undefined {
  const inode = fs.fstatSync(fd, { bigint: true }).ino;
  const mount = /^mnt_id:\s*(\d+)$/m.exec(readFile(`/proc/self/fdinfo/${fd}`) ?? '')?.[1];
  const device = new RegExp(`^${mount} \\d+ (\\d+):(\\d+) `, 'm').exec(mounts);
  if (device === null) return undefined;
  const hex = (text: string | undefined) => Number(text).toString(16).padStart(2, '0');
  return `${hex(device[1])}:${hex(device[2])}:${inode}`;
}

/** "1: FLOCK ADVISORY WRITE PID MAJOR:MINOR:INODE 0 EOF"; a waiter has "->" in front of FLOCK */
const LOCK = /^\d+:\s+(->\s+)?FLOCK\s+\S+\s+\S+\s+(\d+)\s+(\S+) /gm;

/** Who holds and who waits for each flock(2), in the kernel's order, by the content of /proc/locks. */
function parseTable(text: string): Map<string, LockRecord[]> {
  const table = new Map<string, LockRecord[]>();
  for (const [, arrow, pid, name = ''] of text.matchAll(LOCK)) {
    const record = { pid: Number(pid), waiting: arrow !== undefined };
    const known = table.get(name);
    if (known === undefined) table.set(name, [record]);
    else known.push(record);
  }
  return table;
}

/** The same of one. */
export function parseLocks(text: string, name: string): LockRecord[] {
  return parseTable(text).get(name) ?? [];
}

/** All flock(2) locks as they were when this was made: for one who looks at many files. */
export class FileLocks {
  private readonly table = parseTable(readFile('/proc/locks') ?? '');
  private readonly mounts = readFile('/proc/self/mountinfo');

  /** Of an open file. */
  records(fd: number): readonly LockRecord[] {
    return this.table.get(lockTableName(fd, this.mounts) ?? '') ?? [];
  }
}

/** Those of one open file. */
export function flockRecords(fd: number): readonly LockRecord[] {
  return new FileLocks().records(fd);
}
