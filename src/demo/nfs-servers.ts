/** The end of the NFS servers that get-config and untar have started for the demo's users. */
import { setTimeout as delay } from 'node:timers/promises';
import { endServers } from '../shell/nfs-embedded.ts';
import { processesWith } from '../system/proc.ts';

const LOOK_MS = 10;
const END_MS = 5000;

/**
 * Those included that have just been asked for: they have no lock to find them by, and do not end with the session that
 * asked.
 */
export async function endNfsServers(home: string): Promise<void> {
  await endServers(home);
  for (const end = Date.now() + END_MS; Date.now() < end; await delay(LOOK_MS)) {
    const pids = processesWith(['--board', home]);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGTERM');
      } catch {
        // ESRCH: it has ended. EPERM: it is not ours.
      }
    }
  }
}
