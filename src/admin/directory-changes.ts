/** Directories that belong to a board's account, made by root where only root can have put something. */
import fs from 'node:fs';
import path from 'node:path';
import { removeTree } from '../rootfs/remove-tree.ts';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { type Account, listAccounts } from './account.ts';
import type { Change } from './change.ts';
import type { Subject } from './subject.ts';

function refuse(message: string): never {
  throw new CommandError(message, ExitCode.failed);
}

/** Nobody else can exchange what is in a directory of root's, and in those above it, also where a link leads. */
export function checkAbove(file: string): void {
  const directory = path.dirname(file);
  const stat = fs.statSync(directory, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) refuse(`There is no directory ${directory} for ${file}; make it first`);
  if (stat.uid !== 0 || (stat.mode & 0o022) !== 0) {
    refuse(
      `${directory} can be written by others than root, so ${path.basename(file)} has no safe place there`,
    );
  }
  const parent = path.dirname(directory);
  if (parent === directory) return;
  checkAbove(directory);
  if (!fs.lstatSync(directory).isSymbolicLink()) return;
  const target = path.resolve(fs.realpathSync(parent), fs.readlinkSync(directory));
  checkAbove(path.join(target, path.basename(file)));
}

/** The entry itself, not what a link leads to. */
function entryAt(file: string): fs.Stats | undefined {
  try {
    return fs.lstatSync(file, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function ownerName(uid: number): string {
  return (
    listAccounts().find((account) => account.uid === uid)?.name ?? `the uid ${uid}, which no account has`
  );
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

function give(directory: string, { uid, gid }: Account): void {
  fs.lchownSync(directory, uid, gid);
}

/** With all in it, never through a link. Its owner must be locked out, so that nobody else changes it while it goes. */
export function removeDirectory(directory: string): void {
  const parent = fs.openSync(path.dirname(directory), fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    removeTree(parent, path.basename(directory));
  } finally {
    fs.closeSync(parent);
  }
}

/** @param account whose it becomes */
export function newDirectory(directory: string, mode: number, account: () => Account): Change {
  return {
    text: `+ directory ${directory}, mode ${octal(mode)}`,
    apply() {
      const owner = account();
      fs.mkdirSync(directory, { mode });
      try {
        // Whatever the umask is.
        fs.chmodSync(directory, mode);
        give(directory, owner);
      } catch (error) {
        fs.rmdirSync(directory);
        throw error;
      }
    },
    // What the account's own user manager may have put there goes too.
    undo: () => removeDirectory(directory),
  };
}

function modeChange(directory: string, before: number, after: number): Change {
  return {
    text: `~ directory ${directory}, mode ${octal(after)}`,
    apply: () => fs.chmodSync(directory, after),
    undo: () => fs.chmodSync(directory, before),
  };
}

/** As remove-board leaves it. */
function isKept({ uid, mode }: fs.Stats): boolean {
  return uid === 0 && (mode & 0o777) === 0o700;
}

function comeback(directory: string, uid: number | undefined): string {
  const again = 'to have a removed board again';
  return uid === undefined
    ? `${again}: chown UID ${directory}, and say add-board --uid UID, the one of the files in it`
    : `${again}: chown ${uid} ${directory}`;
}

/**
 * What makes a directory the account's. One that is there must be its own already; or root's and empty, as a run that
 * was killed leaves it.
 */
export function directoryChanges(
  { account, uid, existing }: Subject,
  directory: string,
  mode: number,
): Change[] {
  const link = entryAt(directory);
  if (link === undefined) {
    checkAbove(directory);
    return [newDirectory(directory, mode, account)];
  }
  const stat = fs.statSync(directory, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) refuse(`${directory} is there, and is no directory; move it away`);
  // Of a board that was removed and comes again.
  const isAgain = existing === undefined && stat.uid === uid && (stat.mode & 0o777) !== mode;
  if (isAgain && !link.isSymbolicLink()) return [modeChange(directory, stat.mode & 0o7777, mode)];
  if (stat.uid === uid) return [];
  const isLeft = stat.uid === 0 && !link.isSymbolicLink() && fs.readdirSync(directory).length === 0;
  if (!isLeft) {
    const what = `${directory} is there already and belongs to ${ownerName(stat.uid)}; move it away, or remove it`;
    refuse(isKept(stat) ? `${what}; ${comeback(directory, uid)}` : what);
  }
  checkAbove(directory);
  return [
    {
      text: `~ directory ${directory}, given to the account`,
      apply() {
        const owner = account();
        // Whatever the umask of the run was.
        fs.chmodSync(directory, mode);
        give(directory, owner);
      },
      undo: () => fs.lchownSync(directory, 0, 0),
    },
  ];
}
