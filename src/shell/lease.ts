/** Tells the users' NFS servers that this process has the board now (src/system/lease.ts). */
import fs from 'node:fs';
import path from 'node:path';
import { formatLease, LEASE, leaseDirectory } from '../system/lease.ts';
import { openProcess, processIdentity } from '../system/pidfd.ts';
import type { Session } from './command.ts';
import { nfsConfigFile } from './nfs-place.ts';
import { systemLog } from './system-log.ts';

function ownIdentity(): string {
  const pidfd = openProcess(process.pid);
  if (pidfd === undefined) throw new Error('this process has no descriptor');
  const identity = processIdentity(pidfd);
  fs.closeSync(pidfd);
  return identity;
}

/** What stands there is of somebody who has left. */
function remove(file: string): void {
  try {
    fs.rmSync(file, { force: true });
  } catch {
    // On a read-only file system. A process that has ended is not believed.
  }
}

/**
 * Before the command begins. A full disk is no reason to refuse the board, but then the servers of others answer while
 * we have it.
 */
export function takeLease({ home, user = '?', lockDirectory }: Session): void {
  if (lockDirectory !== home || !fs.existsSync(nfsConfigFile(home))) return;
  const file = path.join(leaseDirectory(home), LEASE);
  try {
    const text = formatLease({ pid: process.pid, identity: ownIdentity(), user });
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    fs.writeFileSync(`${file}.new`, text, { mode: 0o600 });
    fs.renameSync(`${file}.new`, file);
  } catch (error) {
    const reason = (error as Error).message;
    systemLog('warning', `The NFS servers of others answer while ${user} has the board: ${reason}`);
    remove(file);
  }
}
