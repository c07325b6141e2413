/**
 * Who has the board. While it is another user, calls are put off: all users' boards have the same addresses, so that
 * nothing else tells whose board it is that calls. Who has it says so in a file (src/system/lease.ts), which is
 * believed while /proc/locks shows that process with the board's lock, until the process ends.
 */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { formatLease, LEASE, type Lease, leaseDirectory, parseLease } from '../system/lease.ts';
import type { Log } from '../system/log.ts';
import { hasEnded, openProcess, processIdentity, whenEnded } from '../system/pidfd.ts';
import { lockTableName, parseLocks } from '../system/proc.ts';
import { ExitCode, StartError } from '../system/start-error.ts';
import type { Gate } from './gate.ts';
import type { Serve } from './stage.ts';

/** What a confined process cannot look up: how the board's lock is called in /proc/locks, and that file, open. */
export interface LockTable {
  readonly name: string;
  readonly fd: number;
}

/** @throws StartError */
export function openLockTable(board: string): LockTable {
  const fd = fs.openSync(board, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  const name = lockTableName(fd);
  fs.closeSync(fd);
  if (name === undefined) {
    throw new StartError(`${board}: not in /proc/self/mountinfo`, ExitCode.configuration);
  }
  return { name, fd: fs.openSync('/proc/locks', 'r') };
}

/** Between two reads of the lock table others' locks come and go, and an entry may be passed over. */
const READS = 3;
const READ_AGAIN_MS = 20;

/** The process that has the lock, when a reader of the table comes across it. */
async function lockHolder({ name, fd }: LockTable): Promise<number | undefined> {
  const buffer = Buffer.alloc(64 * 1024);
  let text = '';
  for (let length = 0; ; text += buffer.toString('latin1', 0, length)) {
    // Asynchronous, for it takes the kernel 10 ms.
    length = await new Promise<number>((resolve, reject) => {
      fs.read(fd, buffer, 0, buffer.length, text.length, (error, count) =>
        error ? reject(error) : resolve(count),
      );
    });
    if (length === 0) break;
  }
  return parseLocks(text, name).find(({ waiting }) => !waiting)?.pid;
}

async function hasLock(pid: number, table: LockTable): Promise<boolean> {
  for (let read = 1; read <= READS; read += 1) {
    if ((await lockHolder(table)) === pid) return true;
    await setTimeout(READ_AGAIN_MS);
  }
  return false;
}

/** Another user who has the board. */
export interface Holder {
  readonly user: string;
  readonly since: Date;
}

/** A lease that is true, with a descriptor of its process. */
interface Found {
  readonly lease: Lease;
  readonly pidfd: number;
}

interface LeaseOptions {
  /** The home directory of the board's account. */
  readonly board: string;
  /** Whose server this is. */
  readonly user: string;
  readonly table: LockTable;
  readonly gate: Gate;
  readonly log: Log;
}

class LeaseWatch {
  private readonly options: LeaseOptions;
  private readonly directory: string;
  private watcher: fs.FSWatcher | undefined;
  private current: (Found & { readonly since: Date }) | undefined;
  private looking: Promise<void> | undefined;
  private again = false;

  constructor(options: LeaseOptions) {
    this.options = options;
    this.directory = leaseDirectory(options.board);
  }

  get holder(): Holder | undefined {
    return this.current && { user: this.current.lease.user, since: this.current.since };
  }

  /** Follows the file from now on. Resolves when it is known who has the board. @throws StartError */
  async open(): Promise<void> {
    try {
      this.watcher = fs.watch(this.directory, { persistent: false }, () => void this.look());
    } catch (error) {
      const message = `cannot watch ${this.directory}: ${(error as Error).message}`;
      throw new StartError(message, ExitCode.configuration, { cause: error });
    }
    this.watcher.on('error', (error) => this.options.log('error', `${this.directory}: ${error.message}`));
    await this.look();
  }

  close(): void {
    this.watcher?.close();
  }

  /** Looks, and once more if something happens meanwhile. */
  private look(): Promise<void> {
    this.again = true;
    this.looking ??= this.follow().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  private async follow(): Promise<void> {
    // After all that inotify(7) has told so far: what it lost for want of room came before.
    while (this.again) {
      await new Promise(setImmediate);
      this.again = false;
      this.take(await this.find());
    }
  }

  /** What the file says; if that is not true, the one who had the board may have it still. */
  private async find(): Promise<Found | undefined> {
    for (const lease of [parseLease(this.read()), this.current?.lease]) {
      const pidfd = lease && (await this.verify(lease));
      if (lease !== undefined && pidfd !== undefined) return { lease, pidfd };
    }
    return undefined;
  }

  /** @returns a descriptor of the process; undefined if it is another one, or lacks the board's lock */
  private async verify({ pid, identity }: Lease): Promise<number | undefined> {
    const pidfd = openProcess(pid);
    if (pidfd === undefined) return undefined;
    const isProcess = !hasEnded(pidfd) && processIdentity(pidfd) === identity;
    const isHolder = isProcess && (await hasLock(pid, this.options.table));
    // If it has not ended, the number meant this process all the time.
    if (isHolder && !hasEnded(pidfd)) return pidfd;
    fs.closeSync(pidfd);
    return undefined;
  }

  private read(): string {
    try {
      return fs.readFileSync(path.join(this.directory, LEASE), 'utf8');
    } catch {
      // Nobody has had the board so far.
      return '';
    }
  }

  private take(found: Found | undefined): void {
    const { user, gate, log } = this.options;
    const { current } = this;
    const other = found?.lease.user === user ? undefined : found;
    const isSame = other && current && formatLease(other.lease) === formatLease(current.lease);
    if (found !== undefined && (other === undefined || isSame)) fs.closeSync(found.pidfd);
    if (isSame || (other === undefined && current === undefined)) return;
    this.current = other && { ...other, since: new Date() };
    if (other === undefined) {
      log('info', 'calls are answered again');
      gate.open();
      return;
    }
    log('info', `calls are put off: ${other.lease.user} has the board`);
    gate.shut();
    void this.untilEnded(other);
  }

  private async untilEnded({ pidfd }: Found): Promise<void> {
    await whenEnded(pidfd);
    fs.closeSync(pidfd);
    await this.look();
  }
}

/** Follows who has the board, with --board. @throws StartError */
export async function openLease(
  { options, lockTable: table }: Serve,
  gate: Gate,
  log: Log,
): Promise<LeaseWatch | undefined> {
  const { board, user } = options;
  if (board === undefined || user === undefined || table === undefined) return undefined;
  const lease = new LeaseWatch({ board, user, table, gate, log });
  await lease.open();
  return lease;
}
