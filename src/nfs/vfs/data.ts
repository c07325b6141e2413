/** READ, WRITE and COMMIT. */
import fs from 'node:fs';
import { FileType } from '../../rootfs/file-type.ts';
import { check, refuse } from '../../system/file-error.ts';
import { CacheReader, readAt, writeAt } from '../../system/files.ts';
import { isSuperuser, mayRead, mayWrite, withoutSetId } from './access.ts';
import type { Attributes, Credentials } from './attributes.ts';
import { generationOf } from './handle.ts';
import type { Inode } from './inode.ts';
import type { Volume } from './volume.ts';

/** Bytes in one READ at most. */
export const MAX_READ = 1024 * 1024;
/** Reads of data that are not in memory run in threads, so many at once. */
const MAX_COLD_READS = 16;
/** What the disk takes in no time, bytes: more is never waited for by all. */
const SMALL_FLUSH = 256 * 1024;
const EAGAIN = 11;
const EOPNOTSUPP = 95;

export interface ReadResult {
  /** Valid until the next read. */
  readonly data: Buffer;
  readonly eof: boolean;
}

/** stable_how of RFC 1813 §3.3.7 */
export const Stable = { UNSTABLE: 0, DATA_SYNC: 1, FILE_SYNC: 2 } as const;

function regular(file: Attributes): void {
  if (file.type === FileType.directory) refuse('EISDIR');
  if (file.type !== FileType.regular) refuse('EINVAL');
}

const readInThread = (fd: number, data: Buffer, offset: number): Promise<number> =>
  new Promise((resolve, reject) => {
    fs.read(fd, data, 0, data.length, offset, (error, bytes) => (error ? reject(error) : resolve(bytes)));
  });

export class FileData {
  private readonly volume: Volume;
  private readonly cache = new CacheReader(MAX_READ);
  private coldReads = 0;
  private readonly waiting: (() => void)[] = [];
  private readonly bootId = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1');
  /** Failed attempts to reach the disk. */
  private failures = 0;
  /** What clients compare to learn that data they wrote may be lost. 8 bytes. RFC 1813 §3.3.7 */
  verifier: Buffer;

  constructor(volume: Volume) {
    this.volume = volume;
    this.verifier = this.newVerifier();
  }

  /** A restart of this program loses no page cache, one of the machine does. */
  private newVerifier(): Buffer {
    const text = `${this.bootId} ${this.volume.fsid} ${this.failures}`;
    const { high, low } = generationOf(Buffer.from(text));
    const verifier = Buffer.alloc(8);
    verifier.writeInt32BE(high);
    verifier.writeInt32BE(low, 4);
    return verifier;
  }

  read(caller: Credentials, inode: Inode, offset: number, count: number): ReadResult | Promise<ReadResult> {
    const attributes = this.volume.attributes(inode);
    regular(attributes);
    if (!mayRead(caller, attributes)) refuse('EACCES');
    const { size } = attributes;
    const wanted = Math.min(count, MAX_READ, Math.max(size - offset, 0));
    if (wanted === 0) return { data: this.cache.buffer.subarray(0, 0), eof: offset >= size };
    const { fd } = this.volume.tree.file(inode, false);
    let length = this.cache.read(fd, wanted, offset);
    // Such a file system is in memory, or as good as that.
    if (length === -EOPNOTSUPP) length = readAt(fd, this.cache.buffer, wanted, offset);
    if (length === wanted) {
      return { data: this.cache.buffer.subarray(0, length), eof: offset + length >= size };
    }
    if (length < 0 && length !== -EAGAIN) check(length);
    return this.readCold(inode, offset, wanted, size);
  }

  /** From the disk, in a thread: others need not wait for it. */
  private readCold(inode: Inode, offset: number, wanted: number, size: number): Promise<ReadResult> {
    const { tree } = this.volume;
    return tree.descriptors.pinned(inode, tree.file(inode, false), async (fd) => {
      if (this.coldReads >= MAX_COLD_READS) {
        await new Promise<void>((resolve) => this.waiting.push(resolve));
      }
      this.coldReads += 1;
      try {
        const data = Buffer.allocUnsafe(wanted);
        const length = await readInThread(fd, data, offset);
        return { data: data.subarray(0, length), eof: length < wanted || offset + length >= size };
      } finally {
        this.coldReads -= 1;
        this.waiting.shift()?.();
      }
    });
  }

  /** @returns bytes written: fewer than asked for when the disk became full */
  write(
    caller: Credentials,
    inode: Inode,
    offset: number,
    data: Buffer,
    stable: number,
    isAlone: boolean,
  ): number | Promise<number> {
    const { volume } = this;
    const attributes = volume.attributes(inode);
    regular(attributes);
    if (!mayWrite(caller, attributes)) refuse('EACCES');
    if (data.length === 0) return 0;
    if (!Number.isSafeInteger(offset + data.length)) refuse('EFBIG');
    const length = volume.quota?.mayWrite(inode, offset, data.length) ?? data.length;
    const { fd } = volume.tree.file(inode, true);
    const written = check(writeAt(fd, data, length, offset));
    inode.unflushed += written;
    if ((attributes.mode & 0o111) !== 0) volume.removeCapabilities(inode, attributes);
    volume.wrote(inode);
    if (!isSuperuser(caller) && withoutSetId(attributes.mode) !== attributes.mode) {
      volume.store(inode, { ...attributes, mode: withoutSetId(attributes.mode) });
    }
    if (stable === Stable.UNSTABLE) return written;
    const committed = this.commit(inode, isAlone, stable === Stable.DATA_SYNC);
    return committed instanceof Promise ? committed.then(() => written) : written;
  }

  /** COMMIT: all that was written to the file is on the disk. */
  commitFor(caller: Credentials, inode: Inode, isAlone: boolean): void | Promise<void> {
    const attributes = this.volume.attributes(inode);
    regular(attributes);
    if (!mayWrite(caller, attributes)) refuse('EACCES');
    return this.commit(inode, isAlone);
  }

  private commit(inode: Inode, isAlone: boolean, dataOnly = false): void | Promise<void> {
    this.volume.tree.file(inode, false);
    const { flusher } = this.volume;
    const isSmall = inode.unflushed <= SMALL_FLUSH;
    inode.unflushed = 0;
    if (isAlone && isSmall && flusher.isFast) {
      try {
        flusher.flushNow(inode, dataOnly);
        this.volume.quota?.flushed(inode);
        return;
      } catch (error) {
        this.failed();
        throw error;
      }
    }
    return flusher.flush(inode, dataOnly).then(
      () => this.volume.quota?.flushed(inode),
      (error) => {
        this.failed();
        throw error;
      },
    );
  }

  /** What was written may be lost: clients see another verifier, and write it again. */
  private failed(): void {
    this.failures += 1;
    this.verifier = this.newVerifier();
  }
}
