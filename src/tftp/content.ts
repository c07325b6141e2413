/** What a transfer sends: a file, read ahead in large pieces, and translated for netascii. */
import fs from 'node:fs';
import { check } from '../system/file-error.ts';
import { CacheReader, readAt } from '../system/files.ts';
import { addressOf } from '../system/libc.ts';
import type { Digest } from './digests.ts';
import { toNetascii } from './netascii.ts';
import type { Mode } from './packet.ts';

const CHUNK_BYTES = 64 * 1024;
const EAGAIN = 11;
const EOPNOTSUPP = 95;

const cache = new CacheReader(CHUNK_BYTES);

/** Offsets are of the bytes as they are sent. */
export class Content {
  /** Address of the bytes in memory; see addressAt(). */
  private readonly address: number;
  private readonly buffer: Buffer;
  private readonly fd: number;
  private readonly size: number;
  private readonly mode: Mode;
  private readonly digest: Digest;
  /** What the buffer has. */
  private start = 0;
  private end = 0;
  /** Of the file, how far it was read. */
  private position = 0;
  private loading = false;
  private closed = false;

  /**
   * @param size how much of the file is sent: all, as it was when the transfer began
   * @param windowBytes what may have to be sent again, at most; has() is asked for no more behind that
   * @param digest gets the file's bytes
   */
  constructor(fd: number, size: number, mode: Mode, windowBytes: number, digest: Digest) {
    this.fd = fd;
    this.size = size;
    this.mode = mode;
    this.digest = digest;
    const most = mode === 'netascii' ? 2 * CHUNK_BYTES : CHUNK_BYTES;
    // A window that may have to be sent again, and less than one that follows it.
    this.buffer = Buffer.allocUnsafeSlow(2 * windowBytes + most);
    this.address = Number(addressOf(this.buffer));
  }

  /** Whether these bytes can be sent, as far as the file has them. */
  has(offset: number, length: number): boolean {
    return offset + length <= this.end || this.position === this.size;
  }

  /** How many bytes there are, `length` at most; less at the end only. For what it has. */
  lengthAt(offset: number, length: number): number {
    return Math.min(length, this.end - offset);
  }

  /** Where in memory the bytes are: until the next fill(). */
  addressAt(offset: number): number {
    return this.address + offset - this.start;
  }

  /**
   * Reads on.
   *
   * @param keep the offset of the first byte that is still needed
   * @param whenLoaded is called after the disk had to be waited for, also after a failure
   * @returns whether there is more now
   * @throws FileError, or Error for a file that has become shorter
   */
  fill(keep: number, whenLoaded: (error?: Error) => void): boolean {
    if (this.loading) return false;
    this.drop(keep);
    const wanted = Math.min(CHUNK_BYTES, this.size - this.position);
    let length = cache.read(this.fd, wanted, this.position);
    // Such a file system is in memory, or as good as that.
    if (length === -EOPNOTSUPP) length = readAt(this.fd, cache.buffer, wanted, this.position);
    if (length === -EAGAIN) {
      this.load(wanted, whenLoaded);
      return false;
    }
    this.append(cache.buffer.subarray(0, check(length)));
    return true;
  }

  /** Also closes the descriptor. */
  close(): void {
    this.closed = true;
    if (!this.loading) fs.closeSync(this.fd);
  }

  private drop(keep: number): void {
    this.buffer.copyWithin(0, keep - this.start, this.end - this.start);
    this.start = keep;
  }

  private append(bytes: Buffer): void {
    if (bytes.length === 0) throw new Error('the file has become shorter');
    this.digest.add(this.position, bytes);
    this.position += bytes.length;
    const sent = this.mode === 'netascii' ? toNetascii(bytes) : bytes;
    sent.copy(this.buffer, this.end - this.start);
    this.end += sent.length;
  }

  /** From the disk, in a thread: other transfers need not wait for it. */
  private load(wanted: number, whenLoaded: (error?: Error) => void): void {
    this.loading = true;
    fs.read(this.fd, Buffer.allocUnsafe(wanted), 0, wanted, this.position, (error, length, data) => {
      this.loading = false;
      if (this.closed) {
        fs.closeSync(this.fd);
        return;
      }
      let failure: Error | undefined = error ?? undefined;
      try {
        if (!error) this.append(data.subarray(0, length));
      } catch (shorter) {
        failure = shorter as Error;
      }
      whenLoaded(failure);
    });
  }
}
