/**
 * Who has the board, told by the one who got its lock to the NFS servers of all users, which cannot look into other
 * processes. The file is believed only while /proc/locks shows that process with the lock.
 */
import path from 'node:path';

export interface Lease {
  readonly pid: number;
  /** pidfd.ts: the number alone may be used again. */
  readonly identity: string;
  /** "?" for one without a name. */
  readonly user: string;
}

/** The name of the file in its directory. */
export const LEASE = 'holder';

/** A directory of its own: nothing else happens in it, and who may read it reads nothing else. */
export function leaseDirectory(home: string): string {
  return path.join(home, '.local/state/novaboot/lease');
}

export function formatLease({ pid, identity, user }: Lease): string {
  return `${pid} ${identity} ${user}\n`;
}

/** @returns undefined for what is no lease */
export function parseLease(text: string): Lease | undefined {
  const [, pid, identity = '', user = ''] = /^(\d{1,10}) (\d{1,20}) (\S{1,255})\n$/.exec(text) ?? [];
  return pid === undefined ? undefined : { pid: Number(pid), identity, user };
}
