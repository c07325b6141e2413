/** Where the files of a user's NFS server lie, in the board account's home directory. */
import fs from 'node:fs';
import path from 'node:path';
import { errorWords } from '../system/error-words.ts';
import { leaseDirectory } from '../system/lease.ts';
import { CommandError, ExitCode } from './errors.ts';

export interface NfsPlace {
  readonly user: string;
  /** What the board mounts. */
  readonly exported: string;
  /** The directory above it, in which file handles stay valid. */
  readonly base: string;
  /** The running server's: its ports, its lock (flock(2)), what it answers to SIGUSR1, and what it logs. */
  readonly portFile: string;
  readonly lockFile: string;
  readonly statusFile: string;
  readonly logFile: string;
  /** Who uses which root (src/rootfs/mounts.ts). */
  readonly mountsFile: string;
  /** What the roots take, where there is a quota (src/rootfs/usage-file.ts). */
  readonly usageFile: string;
  /** What clients did when they booted (src/system/boot-records.ts). */
  readonly journalFile: string;
  /** Whose lock (flock(2)) lets the server put changes off. */
  readonly pauseFile: string;
  /** Where who has the board says so. */
  readonly leaseDirectory: string;
  /** The directory of the file that remembers the port. */
  readonly dropInDirectory: string;
}

/** The file whose presence enables NFS. */
export function nfsConfigFile(home: string): string {
  return path.join(home, '.novaboot-nfs');
}

/** Where the user manager of systemd looks for what users add to its units. */
export function unitDirectory(home: string): string {
  return path.join(home, '.config/systemd/user');
}

export function nfsPlace(home: string, user: string): NfsPlace {
  const base = path.join(home, 'nfsroot', user);
  const state = path.join(home, '.cache/unfsd', user);
  return {
    user,
    exported: path.join(base, 'root'),
    base,
    portFile: `${state}.ports`,
    lockFile: `${state}.lock`,
    statusFile: `${state}.status`,
    logFile: `${state}.log`,
    mountsFile: `${state}.mounts`,
    usageFile: `${state}.usage`,
    journalFile: `${state}.journal`,
    pauseFile: `${state}.pause`,
    leaseDirectory: leaseDirectory(home),
    dropInDirectory: path.join(unitDirectory(home), `novaboot-nfsd@${user}.socket.d`),
  };
}

/** Users of the account who have had a server. */
export function nfsUsers(home: string): string[] {
  const directory = path.join(home, '.cache/unfsd');
  if (!fs.existsSync(directory)) return [];
  return fs.readdirSync(directory).flatMap((name) => /^(.+)\.lock$/.exec(name)?.[1] ?? []);
}

/** @returns whether it was not there before */
function make(directory: string, mode: number): boolean {
  try {
    if (fs.lstatSync(directory, { throwIfNoEntry: false }) !== undefined) return false;
    fs.mkdirSync(directory, { mode });
    // Whatever the umask is.
    fs.chmodSync(directory, mode);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    throw new CommandError(`Cannot make ${directory}: ${errorWords(error)}`, ExitCode.failed, {
      cause: error,
    });
  }
}

/** Only root may have put a symbolic link here, to where there is room. */
function checkOwn(directory: string, mayBeLink: boolean): fs.Stats {
  const link = fs.lstatSync(directory);
  if (link.isSymbolicLink() && !(mayBeLink && link.uid === 0)) {
    const owner = mayBeLink ? ' that does not belong to root' : '';
    throw new CommandError(`${directory} is a symbolic link${owner}`, ExitCode.configuration);
  }
  const stat = fs.statSync(directory, { throwIfNoEntry: false });
  if (!stat?.isDirectory() || stat.uid !== process.getuid?.()) {
    throw new CommandError(`${directory} is not a directory of this account`, ExitCode.configuration);
  }
  return stat;
}

/** A directory for nobody else: files of boards have modes that are none of this machine's business. */
function makePrivate(directory: string, mayBeLink = false): void {
  if (make(directory, 0o700)) return;
  const { mode } = checkOwn(directory, mayBeLink);
  if ((mode & 0o777) !== 0o700) fs.chmodSync(directory, 0o700);
}

function makeState(directory: string): void {
  try {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new CommandError(`Cannot make ${directory}: ${errorWords(error)}`, ExitCode.failed, {
      cause: error,
    });
  }
}

/** Makes what is missing, and takes others' permissions away. @throws CommandError (1, 78) */
export function makeDirectories(place: NfsPlace): void {
  makePrivate(path.dirname(place.base), true);
  makePrivate(place.base);
  if (!make(place.exported, 0o755)) checkOwn(place.exported, false);
  for (const directory of [path.dirname(place.portFile), place.leaseDirectory]) makeState(directory);
}
