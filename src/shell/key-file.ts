/** Reads and replaces ~/.ssh/authorized_keys: whole or not at all, one change at a time. */
import fs from 'node:fs';
import path from 'node:path';
import { flock, LOCK_EX, LOCK_NB } from '../system/descriptors.ts';
import { refusalWords } from '../system/error-words.ts';
import { readRegularFile } from '../system/regular-file.ts';
import { CommandError, ExitCode } from './errors.ts';

function failure(file: string, error: unknown): CommandError {
  const reason = refusalWords(error as Error);
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
    return readRegularFile(keyFile(home)) ?? Buffer.alloc(0);
  } catch (error) {
    throw new CommandError(`Cannot read authorized_keys: ${(error as Error).message}`, undefined, {
      cause: error,
    });
  }
}

const { O_RDONLY, O_DIRECTORY, O_NONBLOCK } = fs.constants;

/** Whatever the account has put there meanwhile: nobody waits for a FIFO. */
function openDirectory(directory: string): number {
  return fs.openSync(directory, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
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
    const directory = openDirectory(path.dirname(file));
    fs.fsyncSync(directory);
    fs.closeSync(directory);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}

const LOCK_TRIES = 40;
const BETWEEN_TRIES_MS = 50;

/** Not for ever: root comes here too (novaboot-admin), and the account may have locked its directory for good. */
function lockForAWhile(fd: number): void {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return void flock(fd, LOCK_EX | LOCK_NB);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      if (attempt === LOCK_TRIES)
        throw new CommandError('Somebody else is changing authorized_keys; try again', ExitCode.busy);
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BETWEEN_TRIES_MS);
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
    const fd = openDirectory(directory);
    try {
      lockForAWhile(fd);
      const old = readKeyFile(home);
      const bytes = change(old);
      if (!bytes.equals(old)) replaceFile(file, bytes);
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    throw error instanceof CommandError ? error : failure(file, error);
  }
}
