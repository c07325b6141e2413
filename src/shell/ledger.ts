/** The usage of the caller's root file systems, as src/rootfs/usage.ts wants it. */
import { limitsOf } from '../rootfs/quota.ts';
import type { Ledger } from '../rootfs/usage.ts';
import { lockHolder } from './nfs-running.ts';
import type { OwnRoots } from './own-roots.ts';

export function ledgerOf({ config, place, roots }: OwnRoots): Ledger {
  return {
    roots,
    limits: limitsOf(config.quota, config.max_files),
    file: place.usageFile,
    serverPid: () => lockHolder(place),
  };
}
