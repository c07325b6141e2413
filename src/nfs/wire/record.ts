/**
 * Record marking (RFC 5531 §11): cuts what a stream brings into records, whatever the fragments. Does no I/O: it says
 * where the next bytes are to be put, and is told how many came.
 *
 * Small records are read where they arrived, many from one piece of the stream. One that does not fit into the
 * connection's own buffer is put together in a large buffer, which all connections share.
 */

/** The peer's stream can not be cut into records: the connection is to be closed. */
export class RecordError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RecordError';
  }
}

/** Bytes of a fragment's header. */
export const MARK_BYTES = 4;
export const LAST_FRAGMENT = 0x8000_0000;
const LENGTH_MASK = 0x7fff_ffff;
/** A header is due; otherwise so many bytes of the fragment are. */
const HEADER = -1;
/** Fragments without content are allowed, a stream of them is not. */
const MAX_EMPTY_FRAGMENTS = 1000;

/** Large buffers for the records that need one, each as long as the longest record. Bounded, and used again. */
export class BufferPool {
  readonly size: number;
  private readonly max: number;
  private readonly free: Buffer[] = [];
  private made = 0;
  private mostUsed = 0;
  private readonly queue = new Set<() => void>();

  /**
   * @param size bytes of each buffer
   * @param max how many there are at most
   */
  constructor(size: number, max: number) {
    this.size = size;
    this.max = max;
  }

  /** Whether somebody waits for a buffer. */
  get wanted(): boolean {
    return this.queue.size > 0;
  }

  /** @returns a buffer with undefined content, or undefined if all are in use */
  take(): Buffer | undefined {
    let buffer = this.free.pop();
    if (buffer === undefined && this.made < this.max) {
      buffer = Buffer.allocUnsafeSlow(this.size);
      this.made += 1;
    }
    if (buffer !== undefined) this.mostUsed = Math.max(this.mostUsed, this.made - this.free.length);
    return buffer;
  }

  give(buffer: Buffer): void {
    this.free.push(buffer);
    for (const wake of this.queue) {
      this.queue.delete(wake);
      wake();
      if (this.free.length === 0) break;
    }
  }

  /** Calls `wake` once, when a buffer was given back; first come, first served. */
  wait(wake: () => void): void {
    this.queue.add(wake);
  }

  forget(wake: () => void): void {
    this.queue.delete(wake);
  }

  /** Lets go of the buffers that nobody needed since the last time. */
  trim(): void {
    while (this.made > this.mostUsed && this.free.pop() !== undefined) this.made -= 1;
    this.mostUsed = this.made - this.free.length;
  }
}

/** The records of one stream. */
export class RecordReader {
  /** The last record, until the following call of next(): `buffer` from `start` to `end`. */
  buffer: Buffer;
  start = 0;
  end = 0;

  private readonly own: Buffer;
  private readonly pool: BufferPool;
  /** What of `own` arrived and was not looked at. */
  private from = 0;
  private to = 0;
  /** Bytes of the fragment that are still to come, or HEADER. */
  private left = HEADER;
  private isLast = false;
  private emptyFragments = 0;
  /** The record from `start` to `end` is the one that next() gave out. */
  private complete = true;

  /** @param own at least two headers long */
  constructor(own: Buffer, pool: BufferPool) {
    this.own = own;
    this.buffer = own;
    this.pool = pool;
  }

  /** Whether a record has begun that is not complete. */
  get unfinished(): boolean {
    return !this.complete || this.from < this.to;
  }

  /** Whether something arrived behind the last record. */
  get hasMore(): boolean {
    return this.from < this.to;
  }

  /** Whether this stream has one of the large buffers. */
  get holdsLarge(): boolean {
    return this.buffer !== this.own;
  }

  /**
   * Where to put the next bytes, at least one. To be asked when next() found no record.
   *
   * @returns undefined if that needs a large buffer and none is free
   */
  place(): Buffer | undefined {
    const { own } = this;
    if (this.complete) return this.placeForHeader(0);
    if (this.holdsLarge) {
      if (this.left === HEADER) return this.placeForHeader(0);
      return this.buffer.subarray(this.end, this.end + this.left);
    }
    const length = this.end - this.start;
    const due = this.left === HEADER ? MARK_BYTES : this.left;
    if (length + due > own.length) return this.moveToLarge() ? this.place() : undefined;
    if (this.left === HEADER) {
      this.moveToFront();
      return this.placeForHeader(this.end);
    }
    // All that arrived belongs to the record.
    if (this.end + due > own.length) this.moveToFront();
    this.from = this.end;
    this.to = this.end;
    return own.subarray(this.to);
  }

  /** `length` bytes were put where place() said. */
  received(length: number): void {
    if (this.holdsLarge && !this.complete && this.left !== HEADER) {
      this.end += length;
      this.left -= length;
    } else {
      this.to += length;
    }
  }

  /**
   * Goes on to the next complete record; the last one's bytes are lost.
   *
   * @returns false if more bytes are needed
   * @throws RecordError
   */
  next(): boolean {
    if (this.complete) {
      this.release();
      if (this.from === this.to) return false;
    }
    for (;;) {
      if (this.left === HEADER && !this.header()) return false;
      this.collect();
      if (this.left > 0) return false;
      this.left = HEADER;
      if (this.isLast) {
        this.complete = true;
        return true;
      }
    }
  }

  /** Gives back the large buffer, if there is one: neither the record nor the reader is used any more. */
  release(): void {
    if (!this.holdsLarge) return;
    const large = this.buffer;
    this.buffer = this.own;
    this.pool.give(large);
  }

  private header(): boolean {
    if (this.to - this.from < MARK_BYTES) return false;
    const mark = this.own.readUInt32BE(this.from);
    this.from += MARK_BYTES;
    this.isLast = mark >= LAST_FRAGMENT;
    this.left = mark & LENGTH_MASK;
    if (this.complete) {
      this.complete = false;
      this.start = this.from;
      this.end = this.from;
      this.emptyFragments = 0;
    }
    const length = this.end - this.start + this.left;
    if (length > this.pool.size) throw new RecordError(`a record of more than ${this.pool.size} bytes`);
    if (this.left === 0) {
      this.emptyFragments += 1;
      if (this.emptyFragments > MAX_EMPTY_FRAGMENTS) throw new RecordError('too many empty fragments');
    }
    return true;
  }

  /** Puts what arrived of the fragment behind what the record has already. */
  private collect(): void {
    const length = Math.min(this.left, this.to - this.from);
    if (length === 0) return;
    // The first fragment lies where it is to be.
    if (this.holdsLarge || this.end !== this.from) {
      this.own.copy(this.buffer, this.end, this.from, this.from + length);
    }
    this.end += length;
    this.from += length;
    this.left -= length;
  }

  /** Room behind `at` for a header; the part of it that arrived already moves there. */
  private placeForHeader(at: number): Buffer {
    const { own } = this;
    if (this.from !== at) own.copyWithin(at, this.from, this.to);
    this.to += at - this.from;
    this.from = at;
    return this.to === 0 ? own : own.subarray(this.to);
  }

  private moveToFront(): void {
    this.own.copyWithin(0, this.start, this.end);
    this.end -= this.start;
    this.start = 0;
  }

  private moveToLarge(): boolean {
    const large = this.pool.take();
    if (large === undefined) return false;
    this.own.copy(large, 0, this.start, this.end);
    this.buffer = large;
    this.end -= this.start;
    this.start = 0;
    return true;
  }
}
