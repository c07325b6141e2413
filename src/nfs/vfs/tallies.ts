/**
 * What the user's trees take: by the file that others read and change too (rootfs/usage-file.ts), and what was charged
 * since that was written. Live root, uploads and saved roots count together; replaced roots are a sum of their own.
 */
import { identityOf } from '../../rootfs/identity.ts';
import type { Figures } from '../../rootfs/quota.ts';
import type { UsageRecord, UsageStore } from '../../rootfs/usage-file.ts';
import { CName, entryHandle } from '../../system/files.ts';
import { statEntry } from '../../system/statx.ts';
import type { Inode } from './inode.ts';
import type { Tree } from './tree.ts';

/** How long others may not know of changes. */
const WRITE_BACK_MS = 50;

/** What was charged for a tree since the file was written. */
export interface Tally {
  /** identity.ts of the tree; undefined for uploads. */
  readonly key: string | undefined;
  isReplaced: boolean;
  bytes: number;
  files: number;
}

interface Sum {
  bytes: number;
  files: number;
}

function add(sum: Sum, bytes: number, files: number): void {
  sum.bytes += bytes;
  sum.files += files;
}

export class Tallies {
  /** Live root, uploads and saved roots. */
  readonly counted: Sum = { bytes: 0, files: 0 };
  readonly replaced: Sum = { bytes: 0, files: 0 };
  private readonly tree: Tree;
  private readonly usage: UsageStore;
  /** The exported directory's name in the base; undefined where it is the base. */
  private readonly exported: string | undefined;
  private readonly uploads: Tally = { key: undefined, isReplaced: false, bytes: 0, files: 0 };
  private readonly tallies = new Set<Tally>([this.uploads]);
  private readonly tallyOfTop = new WeakMap<Inode, Tally>();
  private live: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private version = '';
  private exchangedAt = Number.NEGATIVE_INFINITY;
  /** As the file was last seen. */
  record: UsageRecord;

  constructor(tree: Tree, exported: string | undefined, usage: UsageStore) {
    this.tree = tree;
    this.usage = usage;
    this.exported = exported;
    this.record = this.exchange((record) => {
      // Another server's end was sudden.
      if (record.served) record.dirty += 1;
      record.served = true;
    });
  }

  /** Of the tree that a file is in. */
  of(inode: Inode): Tally {
    const top = this.tree.tops.topOf(inode);
    if (top === undefined) return this.uploads;
    let tally = this.tallyOfTop.get(top);
    if (tally === undefined) {
      tally = this.withKey(this.keyOf(top));
      this.tallyOfTop.set(top, tally);
    }
    return tally;
  }

  private withKey(key: string | undefined): Tally {
    for (const tally of this.tallies) if (tally.key === key) return tally;
    const tally = { key, isReplaced: key !== this.live, bytes: 0, files: 0 };
    this.tallies.add(tally);
    return tally;
  }

  /** undefined for uploads. */
  private keyOf(top: Inode): string | undefined {
    const { base } = this.tree;
    const isRoot = top === base || top.parent !== base || top.name === this.exported;
    return isRoot && top.isDirectory ? identityOf(this.tree.directoryFd(top)) : undefined;
  }

  /** The live root's, now. */
  private liveKey(): string | undefined {
    const fd = this.tree.directoryFd(this.tree.base);
    if (this.exported === undefined) return identityOf(fd);
    const name = new CName().bytes(Buffer.from(this.exported));
    const stat = statEntry(fd, name);
    const handle = entryHandle(fd, name);
    if (typeof stat === 'number' || typeof handle === 'number') return undefined;
    return `${stat.ino}:${handle.toString('hex')}`;
  }

  sumOf({ isReplaced }: Tally): Figures {
    return isReplaced ? this.replaced : this.counted;
  }

  charge(tally: Tally, bytes: number, files: number): void {
    add(tally, bytes, files);
    add(tally.isReplaced ? this.replaced : this.counted, bytes, files);
    this.timer ??= setTimeout(() => this.exchange(), WRITE_BACK_MS).unref();
  }

  /** Learns what others did, unless that was done a moment ago. */
  refresh(): void {
    const isRecent = this.timer !== undefined || performance.now() - this.exchangedAt < WRITE_BACK_MS;
    if (isRecent) return;
    if (this.version !== this.usage.version || this.live !== this.liveKey()) this.exchange();
    this.exchangedAt = performance.now();
  }

  /** Tells others what was charged, and learns what they did. */
  exchange(change: (record: UsageRecord) => void = () => {}): UsageRecord {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.live = this.liveKey();
    this.record = this.usage.update((record) => {
      for (const tally of this.tallies) this.settle(tally, record);
      if (this.live !== undefined && record.roots[this.live] === undefined) {
        record.roots[this.live] = { bytes: 0, files: 0 };
        record.dirty += 1;
      }
      change(record);
    });
    // Not before it is written.
    for (const tally of this.tallies) Object.assign(tally, { bytes: 0, files: 0 });
    this.version = this.usage.version;
    this.exchangedAt = performance.now();
    this.sum();
    return this.record;
  }

  private settle({ key, bytes, files }: Tally, record: UsageRecord): void {
    const known = key === undefined ? record.uploads : record.roots[key];
    // Whoever removed a tree took its figures away.
    if (known === undefined) return;
    const sum = { bytes: Math.max(0, known.bytes + bytes), files: Math.max(0, known.files + files) };
    if (key === undefined) record.uploads = sum;
    else record.roots[key] = sum;
  }

  private sum(): void {
    const { uploads, roots, saved } = this.record;
    for (const tally of this.tallies) tally.isReplaced = tally.key !== undefined && tally.key !== this.live;
    Object.assign(this.counted, uploads);
    Object.assign(this.replaced, { bytes: 0, files: 0 });
    for (const { bytes, files } of Object.values(saved)) add(this.counted, bytes, files);
    for (const [key, { bytes, files }] of Object.entries(roots)) {
      add(key === this.live ? this.counted : this.replaced, bytes, files);
    }
  }

  close(change: (record: UsageRecord) => void): void {
    this.exchange(change);
    this.usage.close();
  }
}
