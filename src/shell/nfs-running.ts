/** Whether a user's NFS server answers, and where: from the kernel, not from what a file says alone. */
import fs from 'node:fs';
import { isListening } from '../system/listening.ts';
import { flockRecords } from '../system/proc.ts';
import type { NfsPlace } from './nfs-place.ts';
import { rememberedPort } from './nfs-port.ts';

/** The process that has the server's lock. */
export function lockHolder({ lockFile }: NfsPlace): number | undefined {
  let fd: number;
  try {
    fd = fs.openSync(lockFile, 'r');
  } catch {
    return undefined;
  }
  try {
    return flockRecords(fd).find(({ waiting }) => !waiting)?.pid;
  } finally {
    fs.closeSync(fd);
  }
}

/** The port file has four lines of NAME=PORT, with the same port. */
function isWritten({ portFile }: NfsPlace, port: number): boolean {
  try {
    return fs.readFileSync(portFile, 'latin1').includes(`NFS_TCP=${port}\n`);
  } catch {
    return false;
  }
}

/** Whether a process of this account (or its user manager) listens on the TCP port. */
export function isOurs(port: number): boolean {
  return isListening(process.getuid?.(), 'tcp', port);
}

/**
 * The port on which the user's server answers, itself or as soon as systemd has started it. A port file that a crash
 * left behind is not believed. (Nor is the lock asked: reading /proc/locks takes the kernel 10 ms.)
 */
export function servedPort(place: NfsPlace): number | undefined {
  const port = rememberedPort(place);
  return port !== undefined && isWritten(place, port) && isOurs(port) ? port : undefined;
}
