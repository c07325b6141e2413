/**
 * Counts the whole tree anew, a few milliseconds at a time, while calls go on. What a call looks at counts at once if the
 * walk was not there yet; what it changes afterwards is added; so nothing is missed or counted twice, wherever it moves.
 */
import fs from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { check, FileError } from '../../system/file-error.ts';
import { CName, S_IFDIR, S_IFMT } from '../../system/files.ts';
import { Listing } from '../../system/listing.ts';
import { openEntry } from '../../system/openat2.ts';
import { type Stat, statDescriptor, statEntry } from '../../system/statx.ts';
import { PutOff } from '../put-off.ts';
import type { Inode } from './inode.ts';
import { InodeTable } from './inode-table.ts';
import { isParent, isSelf } from './names.ts';
import type { Tally } from './tallies.ts';
import type { Tree } from './tree.ts';

const { O_RDONLY, O_DIRECTORY } = fs.constants;
const DOT = Buffer.from('.\0');
/** Other calls wait no longer than the one, and have the other between two such waits. */
const SLICE_MS = 4;
const PAUSE_MS = 12;
const LISTING_BYTES = 32 * 1024;

/** Is told of inodes that memory has. */
interface Charger {
  described(inode: Inode, stat: Stat): void;
}

export class Recount {
  /** What was found, by tree. */
  readonly found = new Map<Tally, { bytes: number; files: number }>();
  private readonly tree: Tree;
  private readonly tallyOf: (inode: Inode) => Tally;
  private readonly charger: Charger;
  /** 1 for inode numbers that are counted. */
  private readonly counted = new InodeTable();
  private readonly directories: Inode[] = [];
  private readonly cname = new CName();
  private readonly buffer = Buffer.alloc(LISTING_BYTES);
  private sliceEnd = 0;
  private isStopped = false;

  constructor(tree: Tree, tallyOf: (inode: Inode) => Tally, charger: Charger) {
    this.tree = tree;
    this.tallyOf = tallyOf;
    this.charger = charger;
  }

  /** A file is there with so many blocks. */
  saw(ino: number, blocks: number, tally: Tally): void {
    if (this.counted.get(ino)) return;
    this.counted.set(ino, 1);
    this.put(tally, blocks * 512, 1);
  }

  /** A file takes more, or less. */
  changed(ino: number, bytes: number, files: number, tally: Tally): void {
    if (this.counted.get(ino)) this.put(tally, bytes, files);
  }

  /** A directory has another place, where the walk may have been already. */
  moved(directory: Inode): void {
    this.directories.push(directory);
  }

  private put(tally: Tally, bytes: number, files: number): void {
    const figures = this.found.get(tally) ?? { bytes: 0, files: 0 };
    figures.bytes += bytes;
    figures.files += files;
    this.found.set(tally, figures);
  }

  stop(): void {
    this.isStopped = true;
  }

  /** @returns whether it came to its end */
  async run(): Promise<boolean> {
    const { base } = this.tree;
    await this.pause();
    if (this.isStopped) return false;
    const stat = statDescriptor(this.tree.directoryFd(base));
    if (typeof stat !== 'number') this.charger.described(base, stat);
    this.directories.push(base);
    for (let next = this.directories.pop(); next !== undefined; next = this.directories.pop()) {
      if (this.isStopped) return false;
      try {
        await this.visit(next);
      } catch (error) {
        // It went away or may not be read: then nothing in it can be reached.
        if (!(error instanceof FileError || error instanceof PutOff)) throw error;
      }
    }
    return !this.isStopped;
  }

  private async pause(): Promise<void> {
    await setTimeout(PAUSE_MS, undefined, { ref: false });
    this.sliceEnd = performance.now() + SLICE_MS;
  }

  private async visit(directory: Inode): Promise<void> {
    // One of its own, whose position nobody else moves.
    const fd = check(openEntry(this.tree.directoryFd(directory), DOT, O_RDONLY | O_DIRECTORY));
    try {
      const listing = new Listing(fd, 0n, this.buffer);
      for (let entry = listing.next(); entry !== undefined; entry = listing.next()) {
        if (isSelf(entry.name) || isParent(entry.name)) continue;
        const stat = statEntry(fd, this.cname.bytes(entry.name));
        if (typeof stat !== 'number') this.count(directory, fd, entry.name, stat);
        if (performance.now() < this.sliceEnd) continue;
        await this.pause();
        if (this.isStopped) return;
      }
    } finally {
      fs.closeSync(fd);
    }
  }

  private count(directory: Inode, fd: number, name: Buffer, stat: Stat): void {
    const isDirectory = (stat.mode & S_IFMT) === S_IFDIR;
    const { tops } = this.tree;
    const isHidden = tops.isHall(directory) && tops.isHidden(name.toString('latin1'), isDirectory);
    if (isHidden || this.tree.isMounted(stat)) return;
    if (!isDirectory && this.tree.inodes.known(stat.ino) === undefined) {
      this.saw(stat.ino, stat.blocks, this.tallyOf(directory));
      return;
    }
    const inode = this.tree.entry(directory, fd, this.cname.bytes(name), name.length, stat);
    if (!tops.isHall(inode)) this.charger.described(inode, stat);
    if (isDirectory) this.directories.push(inode);
  }
}
