/** One novaboot-admin at a time: what it has seen of the host is so until it has changed it. */
import fs from 'node:fs';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { flock, LOCK_EX, LOCK_NB } from '../system/descriptors.ts';

const LOCK_FILE = '/run/novaboot-admin.lock';

/** Looks at the host and changes it while no other novaboot-admin does. */
export async function changing<T>(work: () => Promise<T>): Promise<T> {
  const fd = fs.openSync(LOCK_FILE, 'a', 0o600);
  try {
    flock(fd, LOCK_EX | LOCK_NB);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    throw new CommandError('Another novaboot-admin is at work; try again when it has ended', ExitCode.busy);
  }
  try {
    return await work();
  } finally {
    fs.closeSync(fd);
  }
}
