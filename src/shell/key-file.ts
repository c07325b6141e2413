/** Reads and replaces ~/.ssh/authorized_keys: whole or not at all, one change at a time. */
import fs from 'node:fs';
import path from 'node:path';
import { flock, LOCK_EX } from '../system/descriptors.ts';
import { CommandError } from './errors.ts';

function failure(file: string, error: unknown): CommandError {
  const { code, message } = error as NodeJS.ErrnoException;
  const reason = code === 'ENOSPC' || code === 'EDQUOT' ? 'the disk is full' : message;
  return new CommandError(`Cannot write ${file}: ${reason}; it is unchanged`, undefined, { cause: error });
}

/** The file itself, where the administrator made a symbolic link to it. */
function keyFile(home: string): string {
  const file = path.join(home, '.ssh/authorized_keys');
  return fs.lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() ? fs.realpathSync(file) : file;
}

/** The bytes of the file; empty where it is missing. */
export function readKeyFile(home: string): Buffer {
  try {
    return fs.readFileSync(keyFile(home));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw new CommandError(`Cannot read authorized_keys: ${(error as Error).message}`, undefined, {
      cause: error,
    });
  }
}

/** A new file beside the old one, on disk before it takes the old one's place. */
function replaceFile(file: string, bytes: Buffer): void {
  const mode = (fs.statSync(file, { throwIfNoEntry: false })?.mode ?? 0o600) & 0o777;
  const temporary = `${file}.new`;
  try {
    // Left by one that was killed; nobody else writes it while we have the lock.
    fs.rmSync(temporary, { force: true });
    const fd = fs.openSync(temporary, 'wx', mode);
    try {
      fs.writeFileSync(fd, bytes);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(temporary, file);
    const directory = fs.openSync(path.dirname(file), 'r');
    fs.fsyncSync(directory);
    fs.closeSync(directory);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * Changes the file while nobody else does.
 *
 * @param change the new bytes from the old ones; what it throws leaves the file as it was
 * @throws CommandError where the file cannot be written
 */
export function updateKeyFile(home: string, change: (old: Buffer) => Buffer): void {
  const directory = path.join(home, '.ssh');
  const file = keyFile(home);
  try {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    const fd = fs.openSync(directory, 'r');
    flock(fd, LOCK_EX);
    const old = readKeyFile(home);
    const bytes = change(old);
    if (!bytes.equals(old)) replaceFile(file, bytes);
    fs.closeSync(fd);
  } catch (error) {
    throw error instanceof CommandError ? error : failure(file, error);
  }
}
