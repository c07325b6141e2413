/** Whether waiting for the disk at once costs less than handing the wait to a thread. */

/** A thread and back costs some 40 µs of CPU; longer than this, others would notice. */
const FAST_MS = 4;
/** How long a disk that was slow once is not waited for. */
const CAUTION_MS = 10_000;

export class DiskSpeed {
  private slowUntil = 0;

  get isFast(): boolean {
    return performance.now() >= this.slowUntil;
  }

  /** Flushes while the caller waits, and remembers how long it took. */
  flushNow(flush: () => void): void {
    const start = performance.now();
    flush();
    const end = performance.now();
    if (end - start > FAST_MS) this.slowUntil = end + CAUTION_MS;
  }
}
