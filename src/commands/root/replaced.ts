/** What becomes of a root that gave way. */
import { readMounts } from '../../rootfs/mounts.ts';
import { GOING, removeReplaced, replacedRoots, unusedRoots } from '../../rootfs/replaced.ts';
import { type Ledger, treeRemoved } from '../../rootfs/usage.ts';
import type { NfsPlace } from '../../shell/nfs-place.ts';
import { writeError } from '../../shell/output.ts';
import { FileError } from '../../system/file-error.ts';

/** Removes replaced roots that nobody runs on. Under the exclusive lock. */
export function removeUnused(ledger: Ledger, place: NfsPlace): void {
  const { roots } = ledger;
  const mounts = readMounts(place.mountsFile, roots);
  // A server that runs counts the days itself: its clock is never set.
  const now = ledger.serverPid() === undefined ? Date.now() : 0;
  for (const unused of unusedRoots(roots, mounts, now)) {
    treeRemoved(ledger, unused.identity);
    try {
      removeReplaced(roots, unused.number);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      const where = `${roots.replaced}/${unused.number}${GOING}`;
      writeError(`novaboot-shell: ${where} is not removed as a whole: ${error.code}\n`);
    }
  }
}

/** Lets a server that runs see the exchange at once, and not at the next mount. */
function tellServer(ledger: Ledger): void {
  const pid = ledger.serverPid();
  try {
    if (pid !== undefined) process.kill(pid, 'SIGUSR1');
  } catch {
    // It has ended just now.
  }
}

/**
 * Removes what nobody runs on, when the live root was exchanged. Under the exclusive lock.
 *
 * @param number the one that gave way just now
 * @returns a sentence on it
 */
export function fateOfOld(ledger: Ledger, place: NfsPlace, number: number): string {
  const { roots } = ledger;
  tellServer(ledger);
  removeUnused(ledger, place);
  const isKept = replacedRoots(roots).some((root) => root.number === number);
  return isKept ? `The old one is @${number} while boards run on it.` : 'The old one is gone.';
}
