/** What can be seen of boards without asking anybody: locks and sockets of the kernel's, and files that programs keep. */
import fs from 'node:fs';
import os from 'node:os';
import { parseUsage } from '../../rootfs/usage-file.ts';
import { type Keep, readKeep } from '../../shell/keep.ts';
import { nfsPlace } from '../../shell/nfs-place.ts';
import { type PowerState, readPowerState } from '../../shell/power-state.ts';
import { type Occupant, occupants } from '../../shell/queue.ts';
import { KNOWN_USER_NAME } from '../../shell/request.ts';
import { readWaits, type Waits } from '../../shell/waits.ts';
import { errorWords } from '../../system/error-words.ts';
import { tcpPorts } from '../../system/listening.ts';
import { FileLocks, processStat } from '../../system/proc.ts';
import { readRegularFile } from '../../system/regular-file.ts';
import type { Account } from '../account.ts';
import { asAccount } from '../as-account.ts';

export interface NfsServerState {
  readonly user: string;
  /** idle: its socket is open, and the next connection starts it. */
  readonly state: 'running' | 'idle' | 'stopped';
  readonly pid: number | null;
  readonly port: number | null;
  /** Hosts that are connected by TCP. */
  readonly clients: number;
  /** What the user's roots take on disk, in bytes; null where no quota makes it known. */
  readonly bytes: number | null;
}

export interface BoardState {
  readonly name: string;
  /** Why its home directory cannot be looked at. */
  readonly problem: string | null;
  readonly holder: Occupant | null;
  readonly waiters: readonly Occupant[];
  readonly power: PowerState;
  readonly keep: Keep | null;
  readonly waits: Waits;
  readonly nfs: readonly NfsServerState[];
}

const { O_RDONLY, O_DIRECTORY, O_NONBLOCK, O_NOFOLLOW } = fs.constants;

/** Whoever has the account may fill a directory: what is beyond is not looked at. */
const MAX_ENTRIES = 4000;
const MAX_USERS = 500;
const MAX_FILE = 256 * 1024;

/** A user's server, as far as the account's own rights can tell. */
interface SeenServer {
  readonly user: string;
  /** Of its lock. */
  readonly fd: number | undefined;
  readonly port: number | null;
  readonly bytes: number | null;
}

interface SeenHome extends Pick<BoardState, 'power' | 'keep' | 'waits'> {
  readonly fd: number;
  readonly servers: readonly SeenServer[];
}

/** What cannot be read counts as missing. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

/** Users who have had an NFS server, by their files. */
function serverUsers(directory: string): string[] {
  const listing = attempt(() => fs.opendirSync(directory));
  if (listing === undefined) return [];
  const users: string[] = [];
  try {
    for (let entries = 0; entries < MAX_ENTRIES && users.length < MAX_USERS; entries += 1) {
      const name = listing.readSync()?.name;
      if (name === undefined) break;
      const user = /^(.+)\.lock$/.exec(name)?.[1];
      if (user !== undefined && KNOWN_USER_NAME.test(user)) users.push(user);
    }
  } finally {
    listing.closeSync();
  }
  return users.sort();
}

function usedBytes(text: string): number | null {
  const usage = parseUsage(text);
  if (usage === undefined) return null;
  const trees = [usage.uploads, ...Object.values(usage.roots), ...Object.values(usage.saved)];
  return trees.reduce((sum, { bytes }) => sum + bytes, 0);
}

function seeServer(home: string, user: string): SeenServer {
  const { lockFile, portFile, usageFile } = nfsPlace(home, user);
  const read = (file: string) => attempt(() => readRegularFile(file, MAX_FILE)?.toString('latin1')) ?? '';
  const port = /^NFS_TCP=(\d{1,5})$/m.exec(read(portFile))?.[1];
  return {
    user,
    fd: attempt(() => fs.openSync(lockFile, O_RDONLY | O_NONBLOCK | O_NOFOLLOW)),
    port: port === undefined ? null : Number(port),
    bytes: usedBytes(read(usageFile)),
  };
}

/** With the account's rights. @throws Error of fs */
function seeHome(home: string): SeenHome {
  const fd = fs.openSync(home, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
  const users = serverUsers(`${home}/.cache/unfsd`);
  return {
    fd,
    power: readPowerState(home),
    keep: readKeep(home) ?? null,
    waits: readWaits(home),
    servers: users.map((user) => seeServer(home, user)),
  };
}

const UNSEEN: Omit<BoardState, 'name' | 'problem'> = {
  ...{ holder: null, waiters: [], keep: null, nfs: [] },
  power: { state: 'unknown', since: null, user: null },
  waits: { count: 0, seconds: 0 },
};

/** The kernel's tables at one moment, and boards looked at in that light. */
export class Look {
  private readonly locks = new FileLocks();
  private readonly ports = tcpPorts();

  board(account: Account): BoardState {
    const { name, home } = account;
    let seen: SeenHome;
    try {
      seen = asAccount(account, () => seeHome(home));
    } catch (error) {
      return { name, problem: `${home}: ${errorWords(error)}`, ...UNSEEN };
    }
    const { fd, servers, ...kept } = seen;
    const queue = occupants(fd, this.locks.records(fd));
    fs.closeSync(fd);
    return {
      ...{ name, problem: null, ...kept },
      holder: queue.find(({ waiting }) => !waiting) ?? null,
      waiters: queue.filter(({ waiting }) => waiting),
      nfs: servers.map((server) => this.server(server, account)),
    };
  }

  private server({ user, fd, port, bytes }: SeenServer, { uid }: Account): NfsServerState {
    const records = fd === undefined ? [] : this.locks.records(fd);
    if (fd !== undefined) fs.closeSync(fd);
    const pid = records.find(({ waiting }) => !waiting)?.pid ?? null;
    const known = port === null ? undefined : this.ports.get(port);
    const isOpen = known?.uids.has(uid) === true;
    const state = pid !== null ? 'running' : isOpen ? 'idle' : 'stopped';
    return { user, state, pid, port: isOpen ? port : null, clients: isOpen ? known.clients.size : 0, bytes };
  }
}

/** Clock ticks of proc(5), in all architectures that Linux has user programs for. */
const TICKS = 100;

/** How long the process has been there: a session that waits has waited since its login. 0 for one that has ended. */
export function ageOf({ pid }: Occupant): number {
  const startTime = processStat(pid)?.startTime;
  return startTime === undefined ? 0 : Math.max(0, Math.round(os.uptime() - startTime / TICKS));
}
