/**
 * Waits until files are on the disk (fsync(2)). Flushes that come together are begun together, so that one commit of
 * the file system's journal serves them all; the next ones wait for its end, and gather meanwhile.
 */
import fs from 'node:fs';
import { refuse } from '../../system/file-error.ts';
import type { Descriptors } from './descriptors.ts';
import type { Inode } from './inode.ts';

/** A thread and back costs some 40 µs of CPU; a wait longer than this is noticed by others. */
const FAST_MS = 4;
/** How long a disk that was slow once is not waited for. */
const CAUTION_MS = 1_000;
/** Who comes later does not wait longer than this for a large file. */
const PATIENCE_MS = 5;

interface Flush {
  readonly fd: number;
  readonly dataOnly: boolean;
  readonly done: (error: NodeJS.ErrnoException | null) => void;
}

export class Flusher {
  private readonly descriptors: Descriptors;
  private waiting: Flush[] = [];
  private isGathering = false;
  /** Those that later ones wait for. */
  private running = 0;
  private batch = 0;
  private slowUntil = 0;

  constructor(descriptors: Descriptors) {
    this.descriptors = descriptors;
  }

  /** @param inode one with an open descriptor. @throws Error with an errno's name as code, such as EIO */
  flush(inode: Inode, dataOnly = false): Promise<void> {
    const descriptor = inode.descriptor ?? refuse('ESTALE');
    return this.descriptors.pinned(inode, descriptor, (fd) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.waiting.push({ fd, dataOnly, done: (error) => (error ? reject(error) : resolve()) });
      if (this.running === 0) this.gather();
      return promise;
    });
  }

  /** Whether flushNow() is the better way if nobody else waits. */
  get isFast(): boolean {
    return this.running === 0 && performance.now() >= this.slowUntil;
  }

  /** The same while everybody waits. */
  flushNow(inode: Inode, dataOnly: boolean): void {
    const { fd } = inode.descriptor ?? refuse('ESTALE');
    const start = performance.now();
    if (dataOnly) fs.fdatasyncSync(fd);
    else fs.fsyncSync(fd);
    const end = performance.now();
    if (end - start > FAST_MS) this.slowUntil = end + CAUTION_MS;
  }

  /** Begins when all is read that clients have sent until now. */
  private gather(): void {
    if (this.isGathering || this.waiting.length === 0) return;
    this.isGathering = true;
    setImmediate(() => {
      this.isGathering = false;
      this.begin();
    });
  }

  private begin(): void {
    const flushes = this.waiting;
    this.waiting = [];
    this.batch += 1;
    const { batch } = this;
    this.running = flushes.length;
    const release = () => {
      this.running = 0;
      this.gather();
    };
    const timer = setTimeout(release, PATIENCE_MS);
    for (const { fd, dataOnly, done } of flushes) {
      const ended = (error: NodeJS.ErrnoException | null) => {
        done(error);
        if (this.batch !== batch || this.running === 0) return;
        this.running -= 1;
        if (this.running > 0) return;
        clearTimeout(timer);
        this.gather();
      };
      if (dataOnly) fs.fdatasync(fd, ended);
      else fs.fsync(fd, ended);
    }
  }
}
