/** Removes roots that gave way to another one, once no client needs them, while the server serves. */
import fs from 'node:fs';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { RootError } from '../../rootfs/errors.ts';
import { lockRoots } from '../../rootfs/lock.ts';
import { type ReplacedRoot, removalOfReplaced, replacedRoots, unusedRoots } from '../../rootfs/replaced.ts';
import { type Roots, rootsOf } from '../../rootfs/roots.ts';
import type { Log } from '../../system/log.ts';
import type { Gate } from '../gate.ts';
import { PutOff } from '../put-off.ts';
import type { Vfs } from '../vfs/vfs.ts';
import { RootUse } from './use.ts';

/**
 * A client that has mounted the live root and made no call on the old one for so long does not run on it, if its calls
 * were heard meanwhile.
 */
const GRACE_MS = 60_000;
/** With old roots: how often is looked, as a part of that time. */
const LOOKS = 4;
/** Without old roots: how often is looked for some. MNT looks as well, and SIGUSR1. */
const LOOK_MS = 3600_000;
/** Other calls wait no longer for a removal, and get half of the time. */
const SLICE_MS = 3;
const PAUSE_MS = 3;

interface ReplacedRootsOptions {
  readonly roots: Roots;
  readonly vfs: Vfs;
  readonly use: RootUse;
  readonly gate: Gate;
  readonly log: Log;
  /** If not a minute. */
  readonly graceMs?: number;
}

export class ReplacedRoots {
  private readonly options: ReplacedRootsOptions;
  private readonly graceMs: number;
  private timer: NodeJS.Timeout | undefined;
  private dueAt = Number.POSITIVE_INFINITY;
  private removing = false;

  constructor(options: ReplacedRootsOptions) {
    this.options = options;
    this.graceMs = options.graceMs ?? GRACE_MS;
  }

  /** Looks which roots there are, now and from time to time. Somebody may have exchanged them. */
  look(): void {
    const { roots, vfs, use } = this.options;
    let isAny = false;
    try {
      vfs.lookAtRoots();
      isAny = replacedRoots(roots).length > 0;
      use.watch(isAny);
    } catch (error) {
      this.report(error);
    }
    this.sweepAfter(isAny ? this.graceMs / LOOKS : LOOK_MS);
  }

  /** Unless that comes sooner anyway. */
  private sweepAfter(ms: number): void {
    const dueAt = performance.now() + ms;
    if (dueAt >= this.dueAt || this.removing) return;
    clearTimeout(this.timer);
    this.dueAt = dueAt;
    this.timer = setTimeout(() => void this.sweep(), ms).unref();
  }

  /** For the status. */
  list(): { number: number; replacedAt: string; clients: string[] }[] {
    const { roots, use } = this.options;
    return replacedRoots(roots).map(({ number, identity, replacedAt }) => ({
      ...{ number, replacedAt: replacedAt.toISOString(), clients: use.usersOf(identity) },
    }));
  }

  close(): void {
    clearTimeout(this.timer);
  }

  /** Removes what nobody needs any more, and looks again. */
  private async sweep(): Promise<void> {
    this.dueAt = Number.POSITIVE_INFINITY;
    this.removing = true;
    try {
      for (const root of this.unused()) await this.remove(root);
    } catch (error) {
      this.report(error);
    }
    this.removing = false;
    this.look();
  }

  private unused(): ReplacedRoot[] {
    const { roots, vfs, use, gate } = this.options;
    if (!gate.wasOpenFor(this.graceMs)) return [];
    const live = use.identityOf(vfs.root);
    const replaced = replacedRoots(roots);
    if (replaced.length === 0) return [];
    // Exchanged between the two looks: then one of the roots was seen in neither place.
    if (use.identityOf(vfs.root) !== live) return [];
    use.settle(live, new Set(replaced.map(({ identity }) => identity)), this.graceMs);
    return unusedRoots(roots, use.mounts(), use.now());
  }

  private async remove({ number, identity }: ReplacedRoot): Promise<void> {
    const { vfs, log } = this.options;
    const steps = this.take(number, identity);
    if (steps === undefined) return;
    log('info', `removing the replaced root @${number}: no client uses it`);
    // INODE:HANDLE
    vfs.forgetRoot(Number.parseInt(identity, 10));
    for (let end = performance.now() + SLICE_MS; steps.next().done !== true; ) {
      if (performance.now() < end) continue;
      await sleep(PAUSE_MS);
      await setImmediate();
      end = performance.now() + SLICE_MS;
    }
  }

  /** Takes it from its users. The lock is for that moment only, so that no untar is refused because of us. */
  private take(number: number, identity: string): Generator<void> | undefined {
    const { roots, vfs } = this.options;
    try {
      const lock = lockRoots(roots, 'exclusive');
      try {
        // Somebody may have put another root there since, or a client may have called.
        const isUnused = this.unused().some((root) => root.number === number && root.identity === identity);
        if (!isUnused) return undefined;
        vfs.treeRemoved(identity);
        return removalOfReplaced(roots, number);
      } finally {
        fs.closeSync(lock);
      }
    } catch (error) {
      // Somebody else works on the roots: the next time will do.
      if (error instanceof RootError) return undefined;
      throw error;
    }
  }

  private report(error: unknown): void {
    // Others move directories just now: the next time will do.
    if (error instanceof PutOff) return;
    this.options.log('warning', `replaced roots: ${(error as Error).message}`);
  }
}

interface RootsOptions {
  readonly base: string;
  readonly exportPath: string;
  /** Where is kept who uses which root. */
  readonly file: string;
  readonly vfs: Vfs;
  readonly gate: Gate;
  readonly log: Log;
}

/** Follows who uses which root, where there are several; undefined where the export is never replaced. */
export function openRoots({ base, exportPath, file, vfs, gate, log }: RootsOptions) {
  const roots = rootsOf(base);
  if (exportPath !== roots.live) return undefined;
  const use = new RootUse({ file, roots, vfs, log, onMount: () => replaced.look() });
  const replaced = new ReplacedRoots({ roots, vfs, use, gate, log });
  replaced.look();
  return { use, replaced };
}
