/**
 * What files take, known at every moment, and what may be added. Each inode remembers the blocks that it was charged for;
 * whenever it is looked at, the difference is charged. What somebody else changed is found by counting anew (recount.ts).
 */
import type { StatsFs } from 'node:fs';
import type { Figures } from '../../rootfs/quota.ts';
import type { UsageRecord, UsageStore } from '../../rootfs/usage-file.ts';
import { check, expect, FileError, refuse } from '../../system/file-error.ts';
import { truncate } from '../../system/files.ts';
import { type Stat, statDescriptor } from '../../system/statx.ts';
import { PutOff } from '../put-off.ts';
import type { Inode } from './inode.ts';
import { Recount } from './recount.ts';
import { fitting } from './room.ts';
import { Tallies, type Tally } from './tallies.ts';
import type { Tree } from './tree.ts';

export interface QuotaOptions {
  readonly limits: Figures;
  readonly usage: UsageStore;
}

/** How often files are looked at whose blocks may still change by themselves, and how many times that is needed. */
const LOOK_MS = 10_000;
const LOOKS = 6;
const MAX_UNSURE = 4096;
/** What a write may need besides its data, with plenty to spare. */
const SLACK = 1024 * 1024;
/** Blocks by which a directory may grow for one more name. */
const NAME_BLOCKS = 4;
/** <linux/magic.h>: allocates beyond the end of files that grow, and frees that when they are closed, or later. */
const XFS_SUPER_MAGIC = 0x58465342;

/** What a new name brings along besides itself. */
export interface Growth {
  readonly files: number;
  /** Of its content. */
  readonly bytes: number;
}

export class Quota {
  readonly limits: Figures;
  private readonly usage: UsageStore;
  private readonly tree: Tree;
  private readonly tallies: Tallies;
  private readonly isXfs: boolean;
  private readonly block: number;
  /** Files whose blocks may change by themselves, with the number of looks since we changed them. */
  private readonly unsure = new Map<Inode, number>();
  private readonly looking: NodeJS.Timeout;
  private recount: Recount | undefined;

  /**
   * @param exported the exported directory's name in the base; undefined where it is the base
   * @param fileSystem its bytes of a block, and its kind
   */
  constructor(
    tree: Tree,
    exported: string | undefined,
    { bsize, type }: Pick<StatsFs, 'bsize' | 'type'>,
    { limits, usage }: QuotaOptions,
  ) {
    this.tree = tree;
    this.limits = limits;
    this.usage = usage;
    this.block = bsize;
    this.isXfs = type === XFS_SUPER_MAGIC;
    this.tallies = new Tallies(tree, exported, usage);
    this.looking = setInterval(() => this.look(), LOOK_MS).unref();
    this.countIfDirty();
  }

  /** The inode was looked at. */
  described(inode: Inode, { blocks, ino }: Stat): void {
    const { charged } = inode;
    if (charged !== undefined && charged !== blocks) this.charge(inode, (blocks - charged) * 512, 0);
    inode.charged = blocks;
    this.recount?.saw(ino, blocks, this.tallies.of(inode));
  }

  /** An inode that was not there before; it is going to be described. */
  made(inode: Inode): void {
    inode.charged = 0;
    this.charge(inode, 0, 1);
  }

  /** An inode that was described and is no more. */
  removed(inode: Inode): void {
    this.charge(inode, (inode.charged ?? 0) * -512, -1);
    inode.charged = undefined;
    this.unsure.delete(inode);
  }

  /** It has another place. */
  moved(inode: Inode): void {
    if (inode.isDirectory) this.recount?.moved(inode);
  }

  private charge(inode: Inode, bytes: number, files: number): void {
    const tally = this.tallies.of(inode);
    this.tallies.charge(tally, bytes, files);
    this.recount?.changed(inode.ino, bytes, files, tally);
  }

  /** The file was changed: its blocks may go on changing while its data reach the disk. */
  touched(inode: Inode): void {
    if (this.unsure.size >= MAX_UNSURE && !this.unsure.has(inode)) {
      for (const oldest of this.unsure.keys()) {
        this.release(oldest);
        this.unsure.delete(oldest);
        break;
      }
    }
    this.unsure.set(inode, 0);
  }

  /** Its data are on disk, but for what was written meanwhile. */
  flushed(inode: Inode): void {
    this.lookAt(inode);
    if (!this.isXfs && inode.unflushed === 0) this.unsure.delete(inode);
  }

  private lookAt(inode: Inode): void {
    try {
      const stat = this.tree.peek(inode);
      if (stat === undefined) this.unsure.delete(inode);
      else this.described(inode, stat);
    } catch (error) {
      // Its directory is gone, or somebody else moved it.
      if (!(error instanceof FileError || error instanceof PutOff)) throw error;
      this.unsure.delete(inode);
    }
  }

  private look(): void {
    for (const [inode, looks] of this.unsure) {
      if (looks + 1 < LOOKS) {
        this.lookAt(inode);
        this.unsure.set(inode, looks + 1);
      } else {
        this.release(inode);
        this.unsure.delete(inode);
      }
    }
    this.changed();
  }

  /** Others may have changed something. */
  changed(): void {
    this.tallies.refresh();
    this.countIfDirty();
  }

  /** Before something is refused: all that is known may be a little old, or more than is needed. */
  private makeSure(): void {
    for (const inode of this.unsure.keys()) this.release(inode);
    this.tallies.exchange();
    this.countIfDirty();
  }

  /** Closes it, which frees what xfs has allocated beyond its end. */
  private release(inode: Inode): void {
    if (!inode.isDirectory && inode.descriptor?.pins === 0) this.tree.descriptors.close(inode);
    this.lookAt(inode);
  }

  private roomIn(tally: Tally): Figures {
    const { bytes, files } = this.tallies.sumOf(tally);
    return { bytes: this.limits.bytes - bytes, files: this.limits.files - files };
  }

  /** Before a name is made: its directory may have to grow. @throws FileError EDQUOT */
  mayName(directory: Inode, { files, bytes }: Growth): void {
    const tally = this.tallies.of(directory);
    const isEnough = () => {
      const room = this.roomIn(tally);
      return room.files >= files && room.bytes >= bytes + NAME_BLOCKS * this.block;
    };
    this.tallies.refresh();
    if (isEnough()) return;
    this.makeSure();
    if (!isEnough()) refuse('EDQUOT');
  }

  /** How many bytes of a write there is room for, from its begin on. @throws FileError EDQUOT for none */
  mayWrite(inode: Inode, offset: number, length: number): number {
    const tally = this.tallies.of(inode);
    this.tallies.refresh();
    if (this.roomIn(tally).bytes >= length + SLACK) return length;
    this.makeSure();
    if (this.roomIn(tally).bytes >= length + SLACK) return length;
    const { fd } = this.tree.file(inode, true);
    let fits = fitting(fd, this.block, offset, length, this.roomIn(tally).bytes);
    if (fits < length && this.trim(inode, fd)) {
      fits = fitting(fd, this.block, offset, length, this.roomIn(tally).bytes);
    }
    return fits > 0 ? fits : refuse('EDQUOT');
  }

  /** After a write: xfs may have allocated more than there was room for. @returns whether the file was changed */
  trimmed(inode: Inode): boolean {
    if (this.roomIn(this.tallies.of(inode)).bytes >= 0) return false;
    return this.trim(inode, this.tree.file(inode, true).fd);
  }

  /** Frees what xfs has allocated beyond the file's end. @returns whether the file was changed */
  private trim(inode: Inode, fd: number): boolean {
    if (!this.isXfs) return false;
    check(truncate(fd, expect(statDescriptor(fd)).size));
    inode.unsettle();
    this.lookAt(inode);
    return true;
  }

  /** What is left of the limits, for who is in the tree of this file. */
  roomOf(inode: Inode): Figures {
    this.tallies.refresh();
    return this.roomIn(this.tallies.of(inode));
  }

  /** For who asks: exactly. */
  figures(): { used: Figures; replaced: Figures } {
    for (const inode of this.unsure.keys()) this.lookAt(inode);
    this.tallies.exchange();
    return { used: { ...this.tallies.counted }, replaced: { ...this.tallies.replaced } };
  }

  /** A tree is about to be removed by this process. */
  treeRemoved(identity: string): void {
    this.tallies.exchange(({ roots }) => {
      delete roots[identity];
    });
  }

  /** Counts anew, unless that is under way or others are at it. */
  private countIfDirty(): void {
    const { dirty, roots } = this.tallies.record;
    if (dirty === 0 || this.recount !== undefined || !this.usage.isQuiet()) return;
    this.recount = new Recount(this.tree, (inode) => this.tallies.of(inode), this);
    void this.count(this.recount, new Set(Object.keys(roots)), dirty);
  }

  private async count(recount: Recount, before: ReadonlySet<string>, dirty: number): Promise<void> {
    try {
      const isWhole = await recount.run();
      if (isWhole) this.tallies.exchange((record) => take(recount, before, dirty, record));
    } finally {
      this.recount = undefined;
    }
  }

  close(): void {
    clearInterval(this.looking);
    this.recount?.stop();
    for (const inode of this.unsure.keys()) this.release(inode);
    const isUnsure = [...this.unsure.keys()].some(({ unflushed }) => unflushed > 0);
    this.tallies.close((record) => {
      record.served = false;
      if (isUnsure) record.dirty += 1;
    });
  }
}

/** What was counted takes the place of what was thought, but for trees that others have added or removed meanwhile. */
function take({ found }: Recount, before: ReadonlySet<string>, dirty: number, record: UsageRecord): void {
  const roots = Object.entries(record.roots).filter(([key]) => !before.has(key));
  for (const [{ key }, figures] of found) {
    if (key === undefined) record.uploads = { ...figures };
    else if (before.has(key) === (record.roots[key] !== undefined)) roots.push([key, { ...figures }]);
  }
  record.roots = Object.fromEntries(roots);
  if (record.dirty === dirty) record.dirty = 0;
}
