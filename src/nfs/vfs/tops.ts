/**
 * The root file systems below the base: the exported one, what lies beside it, and in `.replaced` those that gave way to
 * another one, on which boards may run still. Nothing above them is a client's business.
 */
import { GOING } from '../../rootfs/replaced.ts';
import { REPLACED } from '../../rootfs/roots.ts';
import { CName, entryHandle, S_IFDIR, S_IFMT } from '../../system/files.ts';
import { Listing } from '../../system/listing.ts';
import { statEntry } from '../../system/statx.ts';
import { generationOf } from './handle.ts';
import type { Inode } from './inode.ts';
import type { Tree } from './tree.ts';

/** After others moved directories, what memory has of their places may be a circle. */
const MAX_DEPTH = 100_000;

export class Tops {
  private readonly tree: Tree;
  /** undefined where the base itself is exported: then it is the only root. */
  private readonly exported: string | undefined;
  private readonly cname = new CName();

  /** @param exported the exported directory's name in the base */
  constructor(tree: Tree, exported: string | undefined) {
    this.tree = tree;
    this.exported = exported;
  }

  /** Whether it is the base, or `.replaced` in it. */
  isAbove(inode: Inode): boolean {
    if (this.exported === undefined) return false;
    const { base } = this.tree;
    return inode === base || (inode.parent === base && inode.name === REPLACED);
  }

  isTop(inode: Inode): boolean {
    const { parent } = inode;
    if (parent === undefined) return this.exported === undefined;
    return this.isAbove(parent) && !this.isAbove(inode);
  }

  /** The root that a file is in; undefined for what is above. */
  topOf(inode: Inode): Inode | undefined {
    let top: Inode | undefined = inode;
    for (let depth = 0; top !== undefined && depth < MAX_DEPTH; depth += 1) {
      if (this.isTop(top)) return top;
      top = top.parent;
    }
    return undefined;
  }

  isReplaced(top: Inode): boolean {
    return top.parent !== undefined && top.parent !== this.tree.base;
  }

  /** Whether it is `.replaced`. */
  isHall(directory: Inode): boolean {
    return directory !== this.tree.base && this.isAbove(directory);
  }

  /** Whether an entry of `.replaced` is no root: a file that marks a tree being made, or a tree being removed. */
  isHidden(name: string, isDirectory: boolean): boolean {
    return !isDirectory || name.endsWith(GOING);
  }

  /** Whether no client may have it. */
  isNobodys(inode: Inode): boolean {
    const { parent, name, isDirectory } = inode;
    if (parent === undefined || this.isAbove(inode)) return this.isAbove(inode);
    return this.isHall(parent) && this.isHidden(name, isDirectory);
  }

  /**
   * Looks where the roots are now.
   *
   * @returns those that memory had elsewhere
   * @throws FileError
   */
  refresh(): Set<Inode> {
    const moved = new Set<Inode>();
    if (this.exported === undefined) return moved;
    const { base } = this.tree;
    this.look(base, this.exported, moved);
    const replaced = this.look(base, REPLACED, moved);
    if (replaced === undefined) return moved;
    const listing = new Listing(this.tree.directoryFd(replaced));
    for (let entry = listing.next(); entry !== undefined; entry = listing.next()) {
      const name = entry.name.toString('latin1');
      if (name !== '.' && name !== '..' && !this.isHidden(name, true)) this.look(replaced, name, moved);
    }
    return moved;
  }

  /** Takes up a directory where it is. */
  private look(directory: Inode, name: string, moved: Set<Inode>): Inode | undefined {
    const fd = this.tree.directoryFd(directory);
    const cname = this.cname.latin1(name);
    const stat = statEntry(fd, cname);
    if (typeof stat === 'number' || (stat.mode & S_IFMT) !== S_IFDIR) return undefined;
    const handle = entryHandle(fd, cname);
    if (typeof handle === 'number') return undefined;
    const known = this.tree.inodes.known(stat.ino);
    const wasElsewhere = known !== undefined && (known.parent !== directory || known.name !== name);
    const inode = this.tree.inodes.adopt(stat.ino, true, directory, name, generationOf(handle));
    if (wasElsewhere && inode === known) moved.add(inode);
    return inode;
  }
}
