/** A directory for a demo or a board, which no other process of the kind uses. */
import { closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { flock, LOCK_EX, LOCK_NB } from '../system/descriptors.ts';

/** Not recursive: Node never returns from that below /proc. */
function makePrivate(directory: string): void {
  if (!existsSync(directory)) mkdirSync(directory, { mode: 0o700 });
  const { uid, mode } = statSync(directory);
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0) {
    throw new CommandError(
      `${directory}: expected a directory that only you can write to`,
      ExitCode.notAllowed,
    );
  }
}

function open(directory: string): number {
  try {
    makePrivate(directory);
    return openSync(directory, 'r');
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const message = `cannot use the state directory: ${(error as Error).message}`;
    throw new CommandError(message, ExitCode.failed, { cause: error });
  }
}

/**
 * Makes it where missing, and locks it (flock(2)).
 *
 * @param inUse what to say if another process has it
 * @returns a descriptor, which holds the lock
 * @throws CommandError
 */
export function openPrivate(directory: string, inUse: string): number {
  const fd = open(directory);
  try {
    flock(fd, LOCK_EX | LOCK_NB);
  } catch {
    closeSync(fd);
    throw new CommandError(`${directory}: ${inUse}`, ExitCode.busy);
  }
  return fd;
}
