/**
 * Which root file systems clients use, as far as MNT and their calls tell: an old root stays until nobody needs it. Kept
 * in a file (src/rootfs/mounts.ts) that is written before a MNT is answered, for the next server and for untar.
 */
import { type Mounts, OTHERS, readMounts, writeMounts } from '../../rootfs/mounts.ts';
import type { Roots } from '../../rootfs/roots.ts';
import type { Log } from '../../system/log.ts';
import type { Uses } from '../procedures/uses.ts';
import type { Inode, Vfs } from '../vfs/vfs.ts';

/** How exact the time of the last call is in the file. */
const WRITE_MS = 3600_000;
const MAX_CLIENTS = 256;

/** A root that a client uses. */
interface Use {
  /** MNT less UMNT calls; at least 1. */
  mounts: number;
  /** When it was mounted last, as far as this server knows. Milliseconds of now(). */
  readonly since: number;
  /** The last call. */
  at: number;
}

interface RootUseOptions {
  readonly file: string;
  readonly roots: Roots;
  readonly vfs: Vfs;
  readonly log: Log;
  /** Called before a MNT is noted. */
  readonly onMount?: () => void;
  /** Milliseconds since 1970. Default: as the clock had it at the start, whatever it is set to meanwhile. */
  readonly now?: () => number;
}

export class RootUse implements Uses {
  /** Which calls see() is to know: those of clients that it does not know in this epoch; all in none (NaN). */
  epoch = 0;
  private readonly options: RootUseOptions;
  /** By the client's address, then by the root's identity, the last one that it mounted last; so is the file. */
  private readonly clients = new Map<string, Map<string, Use>>();
  private readonly identities = new WeakMap<Inode, string>();
  private epochs = 0;
  private writtenAt = 0;
  readonly now: () => number;

  constructor(options: RootUseOptions) {
    this.options = options;
    this.now = options.now ?? (() => performance.timeOrigin + performance.now());
    const now = this.now();
    for (const [address, mounts] of Object.entries(readMounts(options.file, options.roots))) {
      const uses = mounts.map(
        ({ root, at, mounts: count }) =>
          [root, { mounts: count, since: now, at: Math.min(Date.parse(at) || 0, now) }] as const,
      );
      if (uses.length > 0) this.clients.set(address, new Map(uses));
    }
  }

  /** Who uses what, as the file has it. */
  mounts(): Mounts {
    return Object.fromEntries(
      [...this.clients].map(([address, uses]) => [
        address,
        [...uses].map(([root, { mounts, at }]) => ({ root, at: new Date(at).toISOString(), mounts })),
      ]),
    );
  }

  /** Looks at all calls as long as there are old roots, else at the first ones of each client. */
  watch(all: boolean): void {
    if (all) this.epoch = Number.NaN;
    else if (Number.isNaN(this.epoch)) this.renew();
  }

  private renew(): void {
    this.epochs += 1;
    this.epoch = this.epochs;
  }

  see(address: string, called: Inode): void {
    const top = this.options.vfs.topOf(called);
    if (top === undefined) return;
    const identity = this.identityOf(top);
    const now = this.now();
    const use = this.usesOf(address).get(identity);
    if (use === undefined) {
      this.usesOf(address).set(identity, { mounts: 1, since: now, at: now });
      this.write();
      return;
    }
    use.at = now;
    if (now - this.writtenAt > WRITE_MS) this.write();
  }

  mount(address: string, directory: Inode): boolean {
    this.options.onMount?.();
    const top = this.options.vfs.topOf(directory);
    if (top === undefined) return true;
    const identity = this.identityOf(top);
    const now = this.now();
    const uses = this.usesOf(address);
    const mounts = (uses.get(identity)?.mounts ?? 0) + 1;
    uses.delete(identity);
    uses.set(identity, { mounts, since: now, at: now });
    this.write();
    // Whoever exchanged the roots meanwhile may have read the file before.
    return this.options.vfs.root === top;
  }

  unmount(address: string): void {
    const uses = this.clients.get(address);
    const latest = [...(uses ?? [])].at(-1);
    if (uses === undefined || latest === undefined) return;
    const [identity, use] = latest;
    use.mounts -= 1;
    if (use.mounts === 0) uses.delete(identity);
    this.forgotten();
  }

  unmountAll(address: string): void {
    this.clients.delete(address);
    this.forgotten();
  }

  /** If it was a mistake, the client's next call tells. */
  private forgotten(): void {
    if (!Number.isNaN(this.epoch)) this.renew();
    this.write();
  }

  /**
   * Forgets uses of roots that are gone, and of those that clients used before they mounted the live one, if they did
   * not use them for so long since.
   */
  settle(live: string, replaced: ReadonlySet<string>, ms: number): void {
    const limit = this.now() - ms;
    let changed = false;
    for (const [address, uses] of this.clients) {
      // Nobody knows whether all of the others have mounted it.
      let current = address === OTHERS ? undefined : uses.get(live);
      for (const [identity, { at }] of uses) {
        if (identity === live) {
          current = undefined;
          continue;
        }
        const isLeft = current !== undefined && Math.max(current.since, at) <= limit;
        if (replaced.has(identity) && !isLeft) continue;
        uses.delete(identity);
        changed = true;
      }
    }
    if (changed) this.forgotten();
  }

  identityOf(top: Inode): string {
    const known = this.identities.get(top) ?? this.options.vfs.identityOf(top);
    this.identities.set(top, known);
    return known;
  }

  /** Addresses of clients that use it. */
  usersOf(identity: string): string[] {
    return [...this.clients].flatMap(([address, uses]) => (uses.has(identity) ? [address] : []));
  }

  private usesOf(address: string): Map<string, Use> {
    const isKnown = this.clients.has(address) || this.clients.size < MAX_CLIENTS;
    const key = isKnown ? address : OTHERS;
    let uses = this.clients.get(key);
    if (uses === undefined) {
      uses = new Map();
      this.clients.set(key, uses);
    }
    return uses;
  }

  /** The server ends. */
  close(): void {
    if (this.clients.size > 0) this.write();
  }

  /** A full disk is no reason to refuse a mount: this server knows all the same. */
  private write(): void {
    this.writtenAt = this.now();
    try {
      for (const [address, uses] of this.clients) if (uses.size === 0) this.clients.delete(address);
      writeMounts(this.options.file, this.mounts());
    } catch (error) {
      this.options.log('warning', `${this.options.file}: ${(error as Error).message}`);
    }
  }
}
