/** Open descriptors of inodes: a bounded number, the ones not used for long closed first. */
import { closeDescriptor } from '../../system/files.ts';
import { openFileLimit } from '../../system/process.ts';
import type { Descriptor, Inode } from './inode.ts';

const MAX_OPEN = 16_384;
/** Of all that the process may have open; the rest is for connections. */
const SHARE = 3 / 4;
/** How many are closed at once when there are too many. */
const SURPLUS = 1 / 4;
/** A file that was removed elsewhere keeps its blocks while it is open. */
const IDLE_MS = 10_000;

export class Descriptors {
  private readonly inodes = new Set<Inode>();
  private uses = 0;
  private usesAtSweep = 0;
  private readonly max = Math.min(MAX_OPEN, Math.floor(openFileLimit() * SHARE));
  private readonly sweeper: NodeJS.Timeout;

  constructor() {
    this.sweeper = setInterval(() => this.sweep(), IDLE_MS).unref();
  }

  use(descriptor: Descriptor): Descriptor {
    this.uses += 1;
    descriptor.usedAt = this.uses;
    return descriptor;
  }

  /** Replaces the inode's descriptor. */
  add(inode: Inode, fd: number, writable: boolean): Descriptor {
    this.close(inode);
    if (this.inodes.size >= this.max) this.closeOldest();
    const descriptor = { fd, writable, pins: 0, usedAt: 0 };
    inode.descriptor = descriptor;
    this.inodes.add(inode);
    return this.use(descriptor);
  }

  close(inode: Inode): void {
    const { descriptor } = inode;
    if (descriptor === undefined) return;
    inode.descriptor = undefined;
    this.inodes.delete(inode);
    if (descriptor.pins === 0) closeDescriptor(descriptor.fd);
  }

  /** Keeps a descriptor open until the promise settles, whatever happens to the inode meanwhile. */
  async pinned<T>(inode: Inode, descriptor: Descriptor, work: (fd: number) => Promise<T>): Promise<T> {
    descriptor.pins += 1;
    try {
      return await work(descriptor.fd);
    } finally {
      descriptor.pins -= 1;
      if (descriptor.pins === 0 && inode.descriptor !== descriptor) closeDescriptor(descriptor.fd);
    }
  }

  closeAll(): void {
    clearInterval(this.sweeper);
    for (const inode of this.inodes) this.close(inode);
  }

  private closeOldest(): void {
    const byUse = [...this.inodes].sort((a, b) => (a.descriptor?.usedAt ?? 0) - (b.descriptor?.usedAt ?? 0));
    for (const inode of byUse.slice(0, this.max * SURPLUS)) this.close(inode);
  }

  private sweep(): void {
    for (const inode of this.inodes) {
      const { descriptor } = inode;
      if (descriptor !== undefined && descriptor.usedAt <= this.usesAtSweep && descriptor.pins === 0) {
        this.close(inode);
      }
    }
    this.usesAtSweep = this.uses;
  }
}
