/**
 * Lock files of serial lines, which minicom, cu, ser2net and others obey: /run/lock/LCK..ttyUSB0 with the number of the
 * process in ten characters (Filesystem Hierarchy Standard 3.0 §5.9). They are left behind by who is killed, so what
 * counts is whether that process is there.
 */
import fs from 'node:fs';
import path from 'node:path';

const DIRECTORY = '/run/lock';
const MAX_BYTES = 64;

/** None for a pseudo-terminal: its name is a number, which is soon another one's. */
function lockFile(device: string): string | undefined {
  const name = path.basename(device);
  return /^\d+$/.test(name) ? undefined : path.join(DIRECTORY, `LCK..${name}`);
}

/** The directory is everybody's: this may be a FIFO, a link to an endless device, or say what is not true. */
function readLock(file: string): { readonly text: string; readonly owner: number } | undefined {
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = fs.constants;
  let fd: number | undefined;
  try {
    fd = fs.openSync(file, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    const stat = fs.fstatSync(fd);
    const bytes = Buffer.alloc(MAX_BYTES);
    return stat.isFile()
      ? { text: bytes.toString('latin1', 0, fs.readSync(fd, bytes)), owner: stat.uid }
      : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/** Only root locks for others. */
function isProcessOf(pid: number, owner: number): boolean {
  const uid = fs.statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid;
  return uid !== undefined && (owner === 0 || owner === uid);
}

/** The process that has the line by its lock file. @param device without symbolic links */
export function uucpHolder(device: string): { readonly pid: number; readonly file: string } | undefined {
  const file = lockFile(device);
  if (file === undefined) return undefined;
  const lock = readLock(file);
  const pid = Number(/^ *(\d{1,10})\s/.exec(lock?.text ?? '')?.[1]);
  const isHeld = lock !== undefined && pid > 0 && pid !== process.pid && isProcessOf(pid, lock.owner);
  return isHeld ? { pid, file } : undefined;
}

/**
 * Writes the lock file where we may.
 *
 * @returns what removes it
 */
export function takeUucpLock(device: string): () => void {
  const file = lockFile(device);
  if (file === undefined) return () => {};
  try {
    // The one that is there is of a process that has ended.
    fs.rmSync(file, { force: true });
    fs.writeFileSync(file, `${String(process.pid).padStart(10)}\n`, { flag: 'wx', mode: 0o644 });
  } catch {
    // The directory is root's on some systems, and the file is another user's: flock(2) and TIOCEXCL remain.
    return () => {};
  }
  return () => fs.rmSync(file, { force: true });
}
