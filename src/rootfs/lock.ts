/** One change of a user's root file systems at a time: a lock of the kernel's, which ends with its process. */
import fs from 'node:fs';
import { flock, LOCK_EX, LOCK_NB, LOCK_SH } from '../system/descriptors.ts';
import { flockRecords } from '../system/proc.ts';
import { RootError } from './errors.ts';
import type { Roots } from './roots.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
const OPERATIONS = { shared: LOCK_SH, exclusive: LOCK_EX } as const;
/** EX_TEMPFAIL */
const BUSY = 75;

/** Those who have it, as far as the kernel tells: it names no process of another name space. */
function holders(fd: number): string {
  const pids = flockRecords(fd).flatMap(({ pid, waiting }) => (waiting || pid === 0 ? [] : [pid]));
  return pids.length === 0 ? '' : ` (process ${pids.join(', ')})`;
}

/**
 * Never waits. Who replaces a tree as a whole takes it exclusively; who changes parts of the live one, as rsync does,
 * shares it.
 *
 * @returns the descriptor that has the lock as long as it is open in any process
 * @throws RootError (75) where others have it
 */
export function lockRoots({ base }: Roots, mode: keyof typeof OPERATIONS): number {
  const fd = fs.openSync(base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    flock(fd, OPERATIONS[mode] | LOCK_NB);
    return fd;
  } catch (error) {
    const who = holders(fd);
    fs.closeSync(fd);
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    const what = mode === 'shared' ? 'untar or root command' : 'untar, rsync-nfsroot or root command';
    const message = `Another ${what} of yours is at work on your root file systems${who}; try again after it`;
    throw new RootError(message, BUSY, { cause: error });
  }
}
