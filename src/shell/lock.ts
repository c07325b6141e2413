/** The board's lock: flock(2), exclusive, on the account's home directory. */
import fs from 'node:fs';
import { constants } from 'node:os';
import { flock, flockInThread, isBroken, LOCK_EX, LOCK_NB, whenBroken } from '../system/descriptors.ts';
import { setParentDeathSignal } from '../system/process.ts';
import { CommandError, ExitCode } from './errors.ts';

function refused(directory: string, error: unknown): CommandError {
  const message = `Cannot lock ${directory}: ${(error as Error).message}`;
  return new CommandError(
    `${message}; the home directory must be on a file system with flock(2)`,
    ExitCode.failed,
    {
      cause: error,
    },
  );
}

/** Opens the directory that the lock is on. */
export function openLock(directory: string): number {
  try {
    return fs.openSync(directory, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  } catch (error) {
    throw refused(directory, error);
  }
}

/** Takes the lock if it is free. */
export function tryLock(fd: number, directory: string): boolean {
  try {
    flock(fd, LOCK_EX | LOCK_NB);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
    throw refused(directory, error);
  }
}

/** Who waits for us may have gone away; an input at its end (`</dev/null`, a pipe) is no sign of that. */
function connectionDescriptors(): number[] {
  return fs.fstatSync(0).isFIFO() ? [1] : [0, 1];
}

/** Whether nobody is there any more who could want the command: the parent changed, or input or output broke. */
export function isAbandoned(parent: number): boolean {
  return process.ppid !== parent || isBroken(connectionDescriptors());
}

/** Resolves when input or output has broken; keeps a thread until then. */
export async function whenAbandoned(): Promise<void> {
  await whenBroken(connectionDescriptors());
}

/** Has the kernel end this process, HUP, when its parent ends; ends it if that has happened already. */
export function endWithParent(parent: number): void {
  setParentDeathSignal(constants.signals.SIGHUP);
  if (process.ppid !== parent) process.kill(process.pid, 'SIGHUP');
}

/**
 * Waits for the lock without polling.
 *
 * @param seconds how long at the most
 * @throws CommandError when the time is over (75), or the client is gone
 */
export async function waitForLock(fd: number, directory: string, seconds: number | 'forever'): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  flockInThread(fd, LOCK_EX).then(
    () => resolve(),
    (error) => reject(refused(directory, error)),
  );
  whenAbandoned().then(() => reject(new CommandError('The connection is gone')), reject);
  if (seconds !== 'forever') setTimeout(() => reject(stillOccupied(seconds)), seconds * 1000);
  return await promise;
}

export function stillOccupied(seconds: number): CommandError {
  const after = seconds === 0 ? '' : ` after ${seconds} s`;
  return new CommandError(`Target is still occupied${after}; nothing was done`, ExitCode.busy);
}
