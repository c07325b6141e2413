/**
 * A root file system in the making, beside the live one, which it takes the place of in one step. While it is made, a
 * marker file beside it tells which directory it is; so whatever happens, the next run knows whether the directory under
 * that number is what was never finished, or the old root that gave way.
 *
 *     .replaced/5.new    empty, then the identity of .replaced/5
 *     .replaced/5        the new tree; after the exchange the old root, and the marker goes
 *     .replaced/5.old    the old root, between the two renames where the file system cannot exchange
 *     .replaced/4.gone   one that is being removed
 */
import fs from 'node:fs';
import path from 'node:path';
import { errorWords } from '../system/error-words.ts';
import { check, FileError } from '../system/file-error.ts';
import { CName, changeMode, exchangeEntries, renameEntry, syncFileSystem } from '../system/files.ts';
import { RootError } from './errors.ts';
import { identityAt, identityOf } from './identity.ts';
import { removeTree } from './remove-tree.ts';
import { GOING } from './replaced.ts';
import { REPLACED, type Roots } from './roots.ts';

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
const DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
const EINVAL = -22;
const ENOENT = -2;
const ENOSYS = -38;
const ENOTEMPTY = -39;
const EEXIST = -17;

const name = (text: string): Buffer => new CName().latin1(text);
const LIVE = name('root');
const MARKER = /^(\d+)\.new$/;
const OLD = /^(\d+)\.old$/;
const NUMBERED = /^(\d+)(?:\.new|\.old|\.gone)?$/;

/** Where trees are made: the base and the directory of numbered trees in it, opened. */
class Workshop {
  readonly base: number;
  readonly replaced: number;
  readonly path: string;

  constructor({ base, replaced }: Roots) {
    this.path = replaced;
    this.base = fs.openSync(base, DIRECTORY);
    fs.mkdirSync(replaced, { recursive: true, mode: 0o700 });
    this.replaced = fs.openSync(replaced, DIRECTORY);
  }

  close(): void {
    fs.closeSync(this.replaced);
    fs.closeSync(this.base);
  }

  at(entry: string): string {
    return path.join(this.path, entry);
  }

  exists(entry: string): boolean {
    return fs.lstatSync(this.at(entry), { throwIfNoEntry: false }) !== undefined;
  }

  /** Trees that were not finished or not wanted go, and exchanges that were begun are ended. */
  recover(): void {
    for (const entry of fs.readdirSync(this.path)) {
      const number = MARKER.exec(entry)?.[1];
      if (number !== undefined) this.recoverTree(number);
      else if (entry.endsWith(GOING)) this.removeOld(entry);
    }
    for (const entry of fs.readdirSync(this.path)) {
      const number = OLD.exec(entry)?.[1];
      if (number !== undefined) this.recoverOld(number);
    }
  }

  /** In a root that was live, the administrator may have left files of others. They are in nobody's way. */
  private removeOld(entry: string): void {
    try {
      removeTree(this.replaced, entry);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
    }
  }

  /** Renames without a marker were those of switchBack(). */
  private recoverOld(number: string): void {
    const old = name(`${number}.old`);
    if (!this.exists(number)) {
      check(renameEntry(this.replaced, old, this.replaced, name(number)));
      return;
    }
    // Unless somebody has filled a root in its place since.
    if (renameEntry(this.replaced, old, this.base, LIVE) < 0) this.setAside(this.replaced, old);
  }

  /** Nothing that holds files is dropped here: it becomes one more replaced root. */
  private setAside(dirFd: number, entry: Buffer): void {
    check(renameEntry(dirFd, entry, this.replaced, name(String(this.nextNumber()))));
  }

  /** What became of a tree that was begun: it goes unless it is the live root. */
  recoverTree(number: string): void {
    const marker = fs.readFileSync(this.at(`${number}.new`), 'latin1');
    const found = identityAt(this.at(number));
    // Only a marker that is whole and on disk lets an exchange begin.
    const isNew = found !== undefined && (found === marker.trim() || !marker.endsWith('\n'));
    if (this.exists(`${number}.old`)) this.endRenames(number, isNew);
    else if (isNew) removeTree(this.replaced, number);
    fs.unlinkSync(this.at(`${number}.new`));
  }

  /** The old root has left its place: the new one takes it, and what somebody has filled it with since is kept. */
  private endRenames(number: string, isNew: boolean): void {
    if (isNew) {
      const result = renameEntry(this.replaced, name(number), this.base, LIVE);
      if (result === ENOTEMPTY || result === EEXIST) {
        this.setAside(this.base, LIVE);
        check(renameEntry(this.replaced, name(number), this.base, LIVE));
      } else check(result);
    }
    check(renameEntry(this.replaced, name(`${number}.old`), this.replaced, name(number)));
  }

  nextNumber(): number {
    const numbers = fs.readdirSync(this.path).map((entry) => Number(NUMBERED.exec(entry)?.[1] ?? 0));
    return Math.max(0, ...numbers) + 1;
  }

  /** The live root and the tree `number` change places; a missing live root is as good as an exchanged one. */
  exchange(number: string): void {
    const tree = name(number);
    const result = exchangeEntries(this.base, LIVE, this.replaced, tree);
    if (result === ENOENT) check(renameEntry(this.replaced, tree, this.base, LIVE));
    else if (result === EINVAL || result === ENOSYS) {
      check(renameEntry(this.base, LIVE, this.replaced, name(`${number}.old`)));
      check(renameEntry(this.replaced, tree, this.base, LIVE));
      check(renameEntry(this.replaced, name(`${number}.old`), this.replaced, tree));
    } else check(result);
    fs.fsyncSync(this.base);
    fs.fsyncSync(this.replaced);
  }
}

export class NewTree {
  /** What `.replaced` has it under; after the exchange, the old root. */
  readonly number: number;
  readonly path: string;
  /** The tree's top directory, with mode 0755. */
  readonly fd: number;
  private readonly workshop: Workshop;
  private readonly marker: string;

  /** @throws SystemError, FileError */
  constructor(workshop: Workshop) {
    this.workshop = workshop;
    this.number = workshop.nextNumber();
    this.path = workshop.at(String(this.number));
    this.marker = `${this.path}.new`;
    // The marker comes first: a tree without one would be an old root. Directories reach the disk in this order; what the
    // marker says has to be there before the exchange only, which switchIn() sees to.
    const marker = fs.openSync(this.marker, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      fs.mkdirSync(this.path, { mode: 0o700 });
      this.fd = fs.openSync(this.path, DIRECTORY);
      // Whatever the umask is.
      check(changeMode(this.fd, 0o755));
      fs.writeSync(marker, `${identityOf(this.fd)}\n`);
    } finally {
      fs.closeSync(marker);
    }
  }

  /** Puts the tree, whole and on disk, in the place of the live root. @throws RootError; then abandon() is to follow */
  switchIn(): void {
    inWords(() => {
      check(syncFileSystem(this.fd));
      this.workshop.exchange(String(this.number));
      fs.unlinkSync(this.marker);
    }, 'Cannot put the new root file system in its place');
    this.close();
  }

  /** Removes it, unless it has become the live root already. */
  abandon(): void {
    this.workshop.recoverTree(String(this.number));
    this.close();
  }

  private close(): void {
    fs.closeSync(this.fd);
    this.workshop.close();
  }
}

function inWords<T>(run: () => T, what: string): T {
  try {
    return run();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!(error instanceof FileError) && code === undefined) throw error;
    throw new RootError(`${what}: ${errorWords(error)}`, 1, { cause: error });
  }
}

/**
 * Begins a tree, after what earlier runs left is put in order. Under the exclusive lock.
 *
 * @throws RootError
 */
export function beginTree(roots: Roots): NewTree {
  return inWords(() => {
    const workshop = new Workshop(roots);
    workshop.recover();
    return new NewTree(workshop);
  }, `Cannot make a new root file system in ${roots.replaced}`);
}

/** Puts in order what earlier runs left, for who makes no new tree. Under the exclusive lock. @throws RootError */
export function recoverTrees(roots: Roots): void {
  if (!fs.existsSync(path.join(roots.base, REPLACED))) return;
  inWords(() => {
    const workshop = new Workshop(roots);
    workshop.recover();
    workshop.close();
  }, `Cannot put ${roots.replaced} in order`);
}

/** A replaced root and the live one change places, and with them the number. Under the exclusive lock. @throws RootError */
export function switchBack(roots: Roots, number: number): void {
  inWords(() => {
    const workshop = new Workshop(roots);
    workshop.recover();
    workshop.exchange(String(number));
    workshop.close();
  }, `Cannot switch to the root file system @${number}`);
}
