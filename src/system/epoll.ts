/**
 * Many descriptors whose readiness is handled at once: epoll(7). For sockets that Node serves too slowly: its event loop
 * only wakes us, and as long as there is something to do, we ask the kernel ourselves.
 */
import fs from 'node:fs';
import koffi from 'koffi';
import { define, defineRaw } from './libc.ts';

export const EPOLLIN = 0x001;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
const EPOLL_CLOEXEC = 0o2000000;
const Control = { add: 1, remove: 2, modify: 3 } as const;
/** Descriptors that one call tells of. */
const MAX_EVENTS = 64;
/** struct epoll_event is packed on x86-64 only: u32 events, u64 data. */
const IS_PACKED = process.arch === 'x64';
const EVENT_BYTES = IS_PACKED ? 12 : 16;
const EVENT_WORDS = EVENT_BYTES / 4;
const DATA_WORD = IS_PACKED ? 1 : 2;
/** How long the event loop waits for us when there is much to do. */
const TURN_MS = 5;
/** How long we wait for more ourselves. Longer than the kernel's tick: below, each wait programs the clock. */
const LINGER_MS = 20;

const create = define<[flags: number]>('int epoll_create1(int flags)');
const control = define<[epoll: number, operation: number, fd: number, event: Uint32Array]>(
  'int epoll_ctl(int epfd, int op, int fd, const void *event)',
);
const wait = defineRaw<[epoll: number, events: Uint32Array, maximum: number, timeoutMs: number]>(
  'int epoll_wait(int epfd, void *events, int maxevents, int timeout)',
);

/** Keeps the process alive until it is closed. */
export class Epoll {
  private readonly fd = create(EPOLL_CLOEXEC);
  private readonly events = new Uint32Array(MAX_EVENTS * EVENT_WORDS);
  private readonly event = new Uint32Array(EVENT_WORDS);
  private readonly onReady: (fd: number, events: number) => void;
  // Garbage would stop it.
  private readonly handle: ReturnType<typeof koffi.node.poll>;
  private closed = false;
  private leaving = false;

  /** @param onReady gets EPOLLIN, EPOLLOUT and others of epoll_ctl(2); also again until nothing is ready any more */
  constructor(onReady: (fd: number, events: number) => void) {
    this.onReady = onReady;
    this.handle = koffi.node.poll(this.fd, { readable: true }, () => this.turn());
  }

  add(fd: number, events = EPOLLIN): void {
    this.control(Control.add, fd, events);
  }

  modify(fd: number, events: number): void {
    this.control(Control.modify, fd, events);
  }

  /** To be called before the descriptor is closed. */
  remove(fd: number): void {
    this.control(Control.remove, fd, 0);
  }

  /** Lets Node have its turn at once: what comes next comes from there. */
  leave(): void {
    this.leaving = true;
  }

  close(): void {
    this.closed = true;
    this.handle.close();
    fs.closeSync(this.fd);
  }

  private control(operation: number, fd: number, events: number): void {
    this.event[0] = events;
    this.event[DATA_WORD] = fd;
    control(this.fd, operation, fd, this.event);
  }

  /** Handles what comes until nothing more does, or Node has to have its turn. */
  private turn(): void {
    const end = performance.now() + TURN_MS;
    this.leaving = false;
    try {
      do {
        const count = wait(this.fd, this.events, MAX_EVENTS, LINGER_MS);
        if (count <= 0) return;
        for (let index = 0; index < count && !this.closed; index += 1) {
          const at = index * EVENT_WORDS;
          this.onReady(this.events[at + DATA_WORD] as number, this.events[at] as number);
        }
      } while (!this.closed && !this.leaving && performance.now() < end);
    } catch (error) {
      // What calls us would lose it.
      setImmediate(() => {
        throw error;
      });
    }
  }
}
