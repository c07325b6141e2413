/** What this process does itself while it is confined like cp, which copies for it. */
import path from 'node:path';
import { confineCopy } from '../../rootfs/copy-tree.ts';
import type { NfsPlace } from '../../shell/nfs-place.ts';
import type { Rule } from '../../system/landlock.ts';
import { programFiles } from '../../system/program-files.ts';

/** @param trees what cp reads and writes */
export function confineToTrees(place: NfsPlace, trees: readonly Rule[]): void {
  const program = programFiles(process.argv[1] ?? '');
  confineCopy([
    ...trees,
    // Parts of this program that are not loaded yet.
    ...program.map((name) => ({ path: name, access: 'read' }) as const),
    // Usage and mounts; the former names the boot that it is of, and the server is who has a lock.
    { path: path.dirname(place.usageFile), access: 'files' },
    { path: '/proc', access: 'read' },
  ]);
}
