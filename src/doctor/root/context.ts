/** What the checks of a root file system look at. */
import type { StoredTree } from '../../rootfs/stored-tree.ts';
import type { Check, Said } from '../finding.ts';
import type { Kernel } from './kernels.ts';

export interface RootContext {
  readonly tree: StoredTree;
  /** As its user calls it: `the live root`. */
  readonly subject: string;
  /** Those that were uploaded, the newest first. */
  readonly kernels: readonly Kernel[];
  /** What the kernel of the last boot was told, and which it was, if its console was recorded. */
  readonly commandLine: string | undefined;
  readonly bootedVersion: string | undefined;
  /** The machine ID of the server. */
  readonly hostMachine: string | undefined;
}

export type RootCheck = Check<RootContext>;

/** How findings are made: about the root, or about a file in it. */
export function about(context: RootContext, file?: string) {
  const subject = file === undefined ? context.subject : `${context.subject}, /${file}`;
  const say =
    (severity: 'error' | 'warning') =>
    (what: string, why: string, fix: string): Said => ({ severity, subject, what, why, fix });
  return { error: say('error'), warning: say('warning') };
}
