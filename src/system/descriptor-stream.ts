/**
 * A stream on a descriptor that waits for the kernel and never blocks: a serial line, or an output of any kind. Node's
 * own streams for terminals open the device a second time and write to it synchronously.
 */
import fs from 'node:fs';
import { constants } from 'node:os';
import { Duplex } from 'node:stream';
import { setNonBlocking } from './descriptors.ts';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, Epoll } from './epoll.ts';
import { SystemError } from './libc.ts';

const READ_BYTES = 64 * 1024;

/**
 * Ends with an error when the device or the reader is gone, also while nothing is read or written. Destroying it leaves
 * the descriptor open.
 */
export class DescriptorStream extends Duplex {
  private readonly fd: number;
  private readonly buffer: Buffer;
  private readonly epoll: Epoll;
  /** Whether the kernel tells us of it; a file and /dev/null are always ready. */
  private isWatched = true;
  private wantsInput = false;
  private rest: Buffer | undefined;
  private onWritten: ((error?: Error | null) => void) | undefined;

  /** @param fd becomes non-blocking, also for others that share it */
  constructor(fd: number, direction: 'both' | 'output') {
    super();
    // Nothing is to be read from an output, and its other side is not waited for.
    if (direction === 'output') this.push(null);
    this.fd = fd;
    this.buffer = Buffer.alloc(direction === 'both' ? READ_BYTES : 0);
    setNonBlocking(fd);
    this.epoll = new Epoll((_, events) => {
      this.epoll.leave();
      // It is called from outside of Node's own events: what streams put off would wait for the next one of those.
      setImmediate(() => this.onReady(events));
    });
    try {
      this.epoll.add(fd, 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
      this.isWatched = false;
    }
  }

  override _read(): void {
    if (this.wantsInput) return;
    this.wantsInput = true;
    this.watch();
  }

  override _write(data: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.rest = data;
    this.onWritten = done;
    this.send();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.epoll.close();
    done(error);
  }

  /** Asks for what is wanted; an error or a hang-up is always told. */
  private watch(): void {
    if (!this.isWatched || this.destroyed) return;
    this.epoll.modify(this.fd, (this.wantsInput ? EPOLLIN : 0) | (this.rest ? EPOLLOUT : 0));
  }

  private onReady(events: number): void {
    if (this.destroyed) return;
    if (this.wantsInput && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) this.receive();
    else if (events & (EPOLLERR | EPOLLHUP)) this.destroy(new SystemError('poll', constants.errno.EPIPE));
    if (this.rest && !this.destroyed) this.send();
  }

  private receive(): void {
    let count: number;
    try {
      count = fs.readSync(this.fd, this.buffer);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') this.destroy(error as Error);
      return;
    }
    // A terminal that hung up is at its end.
    if (count === 0) this.destroy(new SystemError('read', constants.errno.EIO));
    else if (!this.push(Buffer.from(this.buffer.subarray(0, count)))) {
      this.wantsInput = false;
      this.watch();
    }
  }

  private send(): void {
    try {
      while (this.rest && this.rest.length > 0) {
        this.rest = this.rest.subarray(fs.writeSync(this.fd, this.rest));
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') this.watch();
      else this.destroy(error as Error);
      return;
    }
    const done = this.onWritten;
    this.rest = undefined;
    this.onWritten = undefined;
    this.watch();
    done?.();
  }
}
