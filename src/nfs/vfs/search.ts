/**
 * Looks for files that are not where memory has them: in the directory that they were seen in, then in the whole tree, a
 * few milliseconds at a time.
 */
import { setImmediate, setTimeout } from 'node:timers/promises';
import { FileError, refuse } from '../../system/file-error.ts';
import { CName, entryHandle, S_IFDIR, S_IFMT } from '../../system/files.ts';
import { type Entry, Listing } from '../../system/listing.ts';
import { statEntry } from '../../system/statx.ts';
import { PutOff } from '../put-off.ts';
import { generationOf } from './handle.ts';
import type { Inode } from './inode.ts';
import { isParent, isSelf } from './names.ts';
import type { Tree } from './tree.ts';

/** Other calls wait no longer than this. */
const SLICE_MS = 5;
/** What a walk did not find is no file, for so long: forged handles cause no walks. */
const TRUST_MS = 60_000;
/** Walks take at most one part in so many of the time. */
const PAUSE_FACTOR = 10;
const LISTING_BYTES = 32 * 1024;

export class Search {
  private readonly tree: Tree;
  private readonly cname = new CName();
  private readonly buffer = Buffer.alloc(LISTING_BYTES);
  private running: Promise<void> | undefined;
  /** Inodes to find in the walk that runs or comes next. */
  private wanted = new Set<Inode>();
  /** A number that memory lacks is looked for as well. */
  private isForUnknown = false;
  /** Still to be visited by the walk that runs. */
  private directories: Inode[] | undefined;
  private endedAt = Number.NEGATIVE_INFINITY;
  private tookMs = 0;

  constructor(tree: Tree) {
    this.tree = tree;
  }

  /**
   * A file that memory has no inode of.
   *
   * @throws FileError ESTALE; PutOff while it is looked for
   */
  find(ino: number): Inode {
    const { inodes } = this.tree;
    const number = inodes.directoryOf(ino);
    if (number === undefined && this.isUseless()) return refuse('ESTALE');
    const directory = number === undefined ? undefined : inodes.knownAs(number, true);
    const inode = directory && this.takeUp(ino, directory);
    if (inode !== undefined) return inode;
    // Or there was such a file: somebody else moved or removed it.
    inodes.unsetDirectory(ino);
    // A walk that runs may be past where it is now. A number that was never seen is not worth another one.
    const late = number === undefined ? undefined : this.running?.then(() => this.run());
    throw new PutOff(late ?? this.run());
  }

  /** @returns undefined also where the directory went, too */
  private takeUp(ino: number, directory: Inode): Inode | undefined {
    return this.unlessGone(() => {
      const listing = new Listing(this.tree.directoryFd(directory), 0n, this.buffer);
      return this.tree.inodes.takeUp(ino, directory, listing);
    });
  }

  private unlessGone<T>(look: () => T): T | undefined {
    try {
      return look();
    } catch (error) {
      if (!(error instanceof FileError || error instanceof PutOff)) throw error;
      return undefined;
    }
  }

  /** Whether a file whose names went has another one where the last was: then memory has that now. */
  isNear({ ino, name, parent }: Inode): boolean {
    if (name !== '' || parent === undefined) return false;
    const found = this.takeUp(ino, parent);
    return found !== undefined && found.name !== '';
  }

  /** Whether a number that memory lacks is sure to be of no file. */
  private isUseless(): boolean {
    return this.running === undefined && performance.now() - this.endedAt < TRUST_MS;
  }

  /** Walks, or joins the walk that runs. Settles when all is known that can be. */
  run(...lost: Inode[]): Promise<void> {
    for (const inode of lost) this.wanted.add(inode);
    if (lost.length === 0) this.isForUnknown = true;
    this.running ??= this.walk().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  /** A directory has another place: a walk under way may be past that, and not have come to the old one. */
  moved(directory: Inode): void {
    this.directories?.push(directory);
  }

  /** Most often what is lost is a root that gave way to another one, and with it what is in it. */
  private isFoundWithRoots(): boolean {
    const { tops } = this.tree;
    const moved = this.unlessGone(() => tops.refresh());
    if (moved === undefined) return false;
    for (const inode of this.wanted) {
      const top = tops.topOf(inode);
      if (top !== undefined && moved.has(top)) this.wanted.delete(inode);
    }
    return this.wanted.size === 0 && !this.isForUnknown;
  }

  private async walk(): Promise<void> {
    await setImmediate();
    if (this.isFoundWithRoots()) return;
    const pauseMs = this.endedAt + PAUSE_FACTOR * this.tookMs - performance.now();
    if (pauseMs > 0) await setTimeout(pauseMs);
    const begin = performance.now();
    const missing = this.wanted;
    this.wanted = new Set();
    this.isForUnknown = false;
    let sliceEnd = begin + SLICE_MS;
    const directories = [this.tree.base];
    this.directories = directories;
    for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
      this.visit(directory, directories, missing);
      if (performance.now() < sliceEnd) continue;
      await setImmediate();
      sliceEnd = performance.now() + SLICE_MS;
    }
    this.directories = undefined;
    // A call may have found one meanwhile.
    for (const inode of missing) {
      if (this.unlessGone(() => this.tree.peek(inode)) === undefined) this.tree.inodes.forget(inode);
    }
    this.endedAt = performance.now();
    this.tookMs = this.endedAt - begin;
  }

  private visit(directory: Inode, directories: Inode[], missing: Set<Inode>): void {
    // It may have gone, or may not be read: then nothing in it can be reached.
    this.unlessGone(() => {
      const fd = this.tree.directoryFd(directory);
      const { tops } = this.tree;
      const isHall = tops.isHall(directory);
      const listing = new Listing(fd, 0n, this.buffer);
      for (let entry = listing.next(); entry !== undefined; entry = listing.next()) {
        if (isSelf(entry.name) || isParent(entry.name)) continue;
        const name = this.cname.bytes(entry.name);
        const isDirectory = this.isDirectory(fd, name, entry);
        if (isHall && tops.isHidden(entry.name.toString('latin1'), isDirectory)) continue;
        if (isDirectory) {
          const found = this.adopt(directory, fd, name, entry, true);
          if (found === undefined) continue;
          directories.push(found);
          missing.delete(found);
        } else {
          this.note(directory, fd, name, entry, missing);
        }
      }
    });
  }

  private isDirectory(fd: number, name: Buffer, { isDirectory }: Entry): boolean {
    if (isDirectory !== undefined) return isDirectory;
    const stat = statEntry(fd, name);
    return typeof stat !== 'number' && (stat.mode & S_IFMT) === S_IFDIR;
  }

  private adopt(
    directory: Inode,
    fd: number,
    name: Buffer,
    entry: Entry,
    isDirectory: boolean,
  ): Inode | undefined {
    const handle = entryHandle(fd, name);
    if (typeof handle === 'number') return undefined;
    const latin1 = entry.name.toString('latin1');
    return this.tree.inodes.adopt(entry.ino, isDirectory, directory, latin1, generationOf(handle));
  }

  private note(directory: Inode, fd: number, name: Buffer, entry: Entry, missing: Set<Inode>): void {
    const { inodes } = this.tree;
    const known = inodes.knownAs(entry.ino, false);
    if (known === undefined) inodes.setDirectory(entry.ino, directory);
    else if (!missing.has(known)) inodes.seen(known, directory, entry.name);
    else if (this.adopt(directory, fd, name, entry, false) === known) missing.delete(known);
  }
}
