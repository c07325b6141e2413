/** Whom a file without a stored owner belongs to. */
import { spawnSync } from 'node:child_process';
import type { Ids } from './owner.ts';

export type Unattributed = 'root' | 'account';

/**
 * rsync leaves root's files unmarked where it runs in a user namespace that maps the account to root, and the account's
 * own where such namespaces are forbidden; everybody else follows it.
 */
export function findUnattributed(): Unattributed {
  if (process.getuid?.() === 0) return 'root';
  const { status } = spawnSync('/usr/bin/unshare', ['-r', '/bin/true'], {
    env: {},
    stdio: 'ignore',
    timeout: 5000,
  });
  return status === 0 ? 'root' : 'account';
}

export function idsOf(unattributed: Unattributed): Ids {
  if (unattributed === 'root') return { uid: 0, gid: 0 };
  return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}
