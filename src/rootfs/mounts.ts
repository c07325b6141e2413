/**
 * Which root file system each client runs on: a file that the NFS server writes before it answers a mount, so that an
 * old root stays as long as a board needs it, also over restarts of the server.
 */
import fs from 'node:fs';
import { identityAt } from './identity.ts';
import { replacedRoots } from './replaced.ts';
import type { Roots } from './roots.ts';

/** One root that a client uses. */
export interface Mount {
  /** identity.ts of the root. */
  readonly root: string;
  /** ISO 8601: the client's last request, or up to an hour before it. */
  readonly at: string;
  /** How often it was mounted, less how often unmounted; at least 1. */
  readonly mounts: number;
}

/** By the client's address: it may run on an old root and have the live one mounted besides. */
export type Mounts = Readonly<Record<string, readonly Mount[]>>;

interface MountsFile {
  /** Moves when a field changes its meaning. */
  readonly version: 1;
  readonly clients: Mounts;
}

/** Stands for clients that are too many to be told apart, or of which nothing is known. */
export const OTHERS = '*';

function isMount(value: unknown): value is Mount {
  const { root, at, mounts } = (value ?? {}) as Partial<Mount>;
  return typeof root === 'string' && typeof at === 'string' && Number.isInteger(mounts);
}

/** @throws Error for what no server wrote, or not as a whole */
function parse(text: string): Mounts {
  const { version, clients } = JSON.parse(text) as MountsFile;
  const isWhole = (mounts: unknown) => Array.isArray(mounts) && mounts.every(isMount);
  if (version !== 1 || !Object.values(clients).every(isWhole)) throw new Error('not written by this version');
  return clients;
}

/** A file that cannot be read tells of no client; so any may run on any of the roots that there are now. */
function unknown(roots: Roots): Mounts {
  const at = new Date().toISOString();
  const identities = [identityAt(roots.live), ...replacedRoots(roots).map(({ identity }) => identity)];
  return { [OTHERS]: identities.flatMap((root) => (root === undefined ? [] : { root, at, mounts: 1 })) };
}

/** Without a file, no client has ever mounted a root. */
export function readMounts(file: string, roots: Roots): Mounts {
  try {
    return parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? {} : unknown(roots);
  }
}

/** Replaces the file in one step; also a power cut leaves the one or the other. */
export function writeMounts(file: string, clients: Mounts): void {
  const content: MountsFile = { version: 1, clients };
  fs.writeFileSync(`${file}.new`, `${JSON.stringify(content)}\n`, { mode: 0o600, flush: true });
  fs.renameSync(`${file}.new`, file);
}
