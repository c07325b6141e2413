/** One server per port file: a lock of the kernel's, which ends with the process. */
import fs from 'node:fs';
import { flock, LOCK_EX, LOCK_NB } from '../system/descriptors.ts';
import { ExitCode, StartError } from '../system/start-error.ts';

const { O_CREAT, O_NOFOLLOW, O_RDWR } = fs.constants;

/**
 * Holds the lock until the process ends. The file stays: removing it would let two servers lock two files.
 *
 * @throws StartError (75) where another server has it
 */
export function lockInstance(file: string): void {
  const fd = fs.openSync(file, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
  try {
    flock(fd, LOCK_EX | LOCK_NB);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    fs.closeSync(fd);
    if (code !== 'EAGAIN') throw error;
    throw new StartError(`already running (${file} is locked)`, ExitCode.alreadyRunning, { cause: error });
  }
}
