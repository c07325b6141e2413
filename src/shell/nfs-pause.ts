/**
 * A pause of the user's NFS server: it changes nothing while somebody has this lock (flock(2)). It looks at the lock
 * when it starts and on SIGUSR1, and its status tells that it has seen it.
 */
import fs from 'node:fs';
import { flock, LOCK_EX } from '../system/descriptors.ts';
import { CommandError } from './errors.ts';
import type { NfsPlace } from './nfs-place.ts';
import { lockHolder } from './nfs-running.ts';
import { askServer } from './nfs-status.ts';

const { O_CREAT, O_NOFOLLOW, O_RDWR } = fs.constants;
/** Until what the server has begun is done. */
const PAUSE_MS = 20_000;
const LOOK_MS = 20;

async function isPaused(place: NfsPlace, pid: number): Promise<boolean> {
  try {
    return (await askServer(place, pid)).paused === true;
  } catch (error) {
    // It may have ended meanwhile, and another one may have started.
    if (lockHolder(place) === pid) throw error;
    return false;
  }
}

/** @returns what ends the pause; the end of this process does, too @throws CommandError */
export async function pauseServer(place: NfsPlace): Promise<() => void> {
  const fd = fs.openSync(place.pauseFile, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
  flock(fd, LOCK_EX);
  for (const end = Date.now() + PAUSE_MS; ; ) {
    const pid = lockHolder(place);
    // A server that starts now sees the lock before it answers anybody.
    if (pid === undefined || (await isPaused(place, pid))) return () => fs.closeSync(fd);
    if (Date.now() > end) throw new CommandError(`The NFS server (process ${pid}) does not pause`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
