/** SHA-256 of files as they are sent. Transfers of the same unchanged file share one, so that it is computed once. */
import { createHash } from 'node:crypto';
import { expect } from '../system/file-error.ts';
import type { Timespec } from '../system/files.ts';
import { type Stat, statDescriptor } from '../system/statx.ts';

/** Files whose digests are remembered. */
const MAX_KNOWN = 1000;
/** Two changes this close together may have the same ctime: twice the longest clock tick of kernels. */
const TICK_MS = 20;

/** The file's begin that was hashed so far. */
class Shared {
  readonly hash = createHash('sha256');
  /** Bytes. */
  length = 0;
  text: string | undefined;
}

/** Of one transfer. */
export class Digest {
  private readonly fd: number;
  private readonly before: Stat;
  private readonly shared: Shared;

  constructor(fd: number, before: Stat, shared: Shared) {
    this.fd = fd;
    this.before = before;
    this.shared = shared;
  }

  /** @param bytes those at `offset`; each transfer adds all of the file's, in their order */
  add(offset: number, bytes: Buffer): void {
    const { hash, length, text } = this.shared;
    const known = length - offset;
    if (text !== undefined || known < 0 || known >= bytes.length) return;
    hash.update(known === 0 ? bytes : bytes.subarray(known));
    this.shared.length = offset + bytes.length;
  }

  /** In hexadecimal, when all was added; undefined for a file that was changed meanwhile. */
  finish(): string | undefined {
    const { before, shared } = this;
    const after = expect(statDescriptor(this.fd));
    // The ctime also changes when another file takes its name.
    if (after.size !== before.size || time(after.mtime) !== time(before.mtime)) return undefined;
    shared.text ??= shared.hash.digest('hex');
    return shared.text;
  }
}

export class Digests {
  private readonly known = new Map<string, Shared>();

  /** Begins a transfer of a file. */
  open(fd: number): Digest {
    const stat = expect(statDescriptor(fd));
    return new Digest(fd, stat, isSettled(stat) ? this.share(identity(stat)) : new Shared());
  }

  private share(name: string): Shared {
    const shared = this.known.get(name) ?? new Shared();
    // The last in the map is the one that was used last.
    this.known.delete(name);
    this.known.set(name, shared);
    const [oldest = ''] = this.known.keys();
    if (this.known.size > MAX_KNOWN) this.known.delete(oldest);
    return shared;
  }
}

function identity({ devMajor, devMinor, ino, size, mtime, ctime }: Stat): string {
  return [devMajor, devMinor, ino, size, time(mtime), time(ctime)].join(' ');
}

function time({ seconds, nanoseconds }: Timespec): string {
  return `${seconds}.${nanoseconds}`;
}

/** Whether every later change will show. */
function isSettled({ ctime }: Stat): boolean {
  return Date.now() - (ctime.seconds * 1000 + ctime.nanoseconds / 1e6) > TICK_MS;
}
