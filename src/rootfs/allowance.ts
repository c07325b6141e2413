/** Counts what a tree takes while it is written, so that it ends at the limit and not behind it. */
import { RootError } from './errors.ts';
import type { Figures } from './quota.ts';

/** What usual file systems give space in. Bytes. */
const BLOCK = 4096;
/** What an attribute, and an entry of a directory, takes besides its name and value. Bytes. */
const OVERHEAD = 16;
/** So much of a file's attributes has room in its inode. Bytes. */
const IN_INODE = 100;

export class Allowance {
  private readonly limits: Figures;
  private readonly measured: () => Figures;
  private bytes = 0;
  private files = 0;
  /** Of the file that is written: the end of its blocks that were counted. */
  private counted = 0;
  /** Of names, since the last block that was counted for them. */
  private nameBytes = 0;

  /** @param measured what the tree takes; asked when the count passes the limits, for the count is an estimate */
  constructor(limits: Figures, measured: () => Figures) {
    this.limits = limits;
    this.measured = measured;
  }

  /** One inode more, which the following parts belong to. @throws RootError */
  file(): void {
    this.files += 1;
    this.counted = 0;
    this.check();
  }

  /** @throws RootError */
  directory(): void {
    this.file();
    this.part(0, BLOCK);
  }

  /** A part of the file that is not a hole. Parts come in order. @throws RootError */
  part(start: number, end: number): void {
    const from = Math.max(this.counted, start - (start % BLOCK));
    const to = Math.ceil(end / BLOCK) * BLOCK;
    if (to <= from) return;
    this.counted = to;
    this.bytes += to - from;
    this.check();
  }

  /** An entry in a directory. @param length bytes of its name @throws RootError */
  name(length: number): void {
    this.nameBytes += length + OVERHEAD;
    if (this.nameBytes < BLOCK) return;
    this.nameBytes -= BLOCK;
    this.bytes += BLOCK;
    this.check();
  }

  /** Attributes of one file. @throws RootError */
  attributes(stored: ReadonlyMap<string, Buffer>): void {
    let length = 0;
    for (const [name, value] of stored) length += name.length + value.length + OVERHEAD;
    if (length <= IN_INODE) return;
    this.bytes += Math.ceil(length / BLOCK) * BLOCK;
    this.check();
  }

  private get isOver(): boolean {
    return this.files > this.limits.files || this.bytes > this.limits.bytes;
  }

  private check(): void {
    if (!this.isOver) return;
    ({ bytes: this.bytes, files: this.files } = this.measured());
    if (!this.isOver) return;
    const { bytes, files } = this.limits;
    const excess =
      this.files > files
        ? `more files than your quota leaves room for (${files})`
        : `more than the ${Math.floor(bytes / 1e6)} MB that your quota leaves room for`;
    throw new RootError(`The archive holds ${excess}`);
  }
}
