/** What a directory takes with all in it, by one walk of system calls: some 3 µs a file. */
import fs from 'node:fs';
import { check, expect, FileError, refuse } from '../system/file-error.ts';
import { CName, S_IFDIR, S_IFMT } from '../system/files.ts';
import { Listing } from '../system/listing.ts';
import { openEntry } from '../system/openat2.ts';
import { type Stat, statDescriptor, statEntry } from '../system/statx.ts';
import type { Figures } from './quota.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
const DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
const ENOENT = -2;
const DOT = 0x2e;
/** Directories above that stay open; a deeper tree's come again by `..`. */
const MAX_OPEN = 64;
/** Vanished, or replaced by something else, or not ours to read, since it was listed. */
const SKIPPED = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EXDEV', 'EACCES']);

/** A directory on the way down. */
interface Level {
  readonly ino: number;
  /** undefined while it is closed. */
  fd: number | undefined;
  /** Directories in it that are still to be visited. */
  readonly left: Buffer[];
}

class Walk {
  bytes = 0;
  files = 0;
  private readonly levels: Level[] = [];
  private readonly linked = new Set<number>();
  private readonly cname = new CName();
  private device: Pick<Stat, 'devMajor' | 'devMinor'> | undefined;

  begin(directory: string, skipped: readonly string[]): void {
    const fd = fs.openSync(directory, DIRECTORY);
    const stat = expect(statDescriptor(fd));
    this.device = stat;
    this.count(stat);
    this.visit(
      fd,
      stat.ino,
      skipped.map((name) => Buffer.from(name)),
    );
  }

  private count({ blocks }: Stat): void {
    this.bytes += blocks * 512;
    this.files += 1;
  }

  /** Counts what is in a directory, and goes down into it. */
  private visit(fd: number, ino: number, skipped: readonly Buffer[] = []): void {
    const left: Buffer[] = [];
    this.levels.push({ fd, ino, left });
    const above = this.levels.at(-1 - MAX_OPEN);
    if (above?.fd !== undefined) {
      fs.closeSync(above.fd);
      above.fd = undefined;
    }
    const listing = new Listing(fd);
    for (let entry = listing.next(); entry !== undefined; entry = listing.next()) {
      const { name } = entry;
      if (isDots(name) || skipped.some((other) => other.equals(name))) continue;
      const stat = statEntry(fd, this.cname.bytes(name));
      if (stat !== ENOENT) this.enter(expect(stat), name, left);
    }
  }

  private enter(stat: Stat, name: Buffer, left: Buffer[]): void {
    if (stat.devMinor !== this.device?.devMinor || stat.devMajor !== this.device.devMajor) return;
    if ((stat.mode & S_IFMT) === S_IFDIR) left.push(Buffer.concat([name, Buffer.of(0)]));
    else if (stat.nlink > 1) {
      if (this.linked.has(stat.ino)) return;
      this.linked.add(stat.ino);
    }
    this.count(stat);
  }

  /** Visits one directory more. @returns whether there was one. @throws FileError ESTALE when a deep one was moved */
  step(): boolean {
    for (let level = this.levels.at(-1); level !== undefined; level = this.levels.at(-1)) {
      const name = level.left.pop();
      if (name === undefined) this.leave();
      else if (this.descend(level.fd ?? refuse('ESTALE'), name)) return true;
    }
    return false;
  }

  private descend(parent: number, name: Buffer): boolean {
    try {
      const fd = check(openEntry(parent, name, DIRECTORY));
      this.visit(fd, expect(statDescriptor(fd)).ino);
      return true;
    } catch (error) {
      if (error instanceof FileError && SKIPPED.has(error.code)) return false;
      throw error;
    }
  }

  private leave(): void {
    const { fd } = this.levels.pop() as Level;
    const above = this.levels.at(-1);
    if (fd === undefined) return;
    if (above !== undefined && above.fd === undefined) {
      above.fd = fs.openSync(`/proc/self/fd/${fd}/..`, DIRECTORY);
      if (expect(statDescriptor(above.fd)).ino !== above.ino) refuse('ESTALE');
    }
    fs.closeSync(fd);
  }

  close(): void {
    for (const { fd } of this.levels) if (fd !== undefined) fs.closeSync(fd);
  }
}

function isDots(name: Buffer): boolean {
  return name[0] === DOT && (name.length === 1 || (name.length === 2 && name[1] === DOT));
}

/**
 * Walks one directory a step, and gives what it has counted until then; the last one is the sum. Files with several
 * names count once, what is mounted in it not at all.
 *
 * @param skipped names in `directory` that are left out
 * @throws FileError, SystemError
 */
export function* measuring(directory: string, skipped: readonly string[] = []): Generator<Figures> {
  const walk = new Walk();
  try {
    walk.begin(directory, skipped);
    do yield { bytes: walk.bytes, files: walk.files };
    while (walk.step());
  } finally {
    walk.close();
  }
}

/** The same at once. */
export function measure(directory: string, skipped: readonly string[] = []): Figures {
  let sum: Figures = { bytes: 0, files: 0 };
  for (sum of measuring(directory, skipped));
  return sum;
}
