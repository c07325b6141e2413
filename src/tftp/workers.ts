/** The workers of one set of sockets: one that takes requests, and older ones that finish their transfers. */
import type { Log } from '../system/log.ts';
import type { Counts } from './counts.ts';
import type { Plan } from './plan.ts';
import { startWorker, type WorkerProcess } from './worker-process.ts';

/** How long the next start waits after a worker died, doubled each time. */
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 10_000;
/** A worker that lived so long was a good one. */
const GOOD_MS = 30_000;
/** Workers that finish their transfers. The oldest of more is ended, or a user could fill the memory with them. */
const MAX_FINISHING = 4;

export class Workers {
  private readonly sockets: readonly number[];
  private readonly log: Log;
  private readonly counted: (counts: Counts) => void;
  private readonly all = new Set<WorkerProcess>();
  private current: { readonly worker: WorkerProcess; readonly startedAt: number } | undefined;
  /** Starts come one after the other. */
  private lastStart: Promise<unknown> = Promise.resolve();
  private pauseMs = FIRST_PAUSE_MS;
  private isEnding = false;

  constructor(sockets: readonly number[], log: Log, counted: (counts: Counts) => void) {
    this.sockets = sockets;
    this.log = log;
    this.counted = counted;
  }

  /**
   * Starts a worker, which takes the place of the one before.
   *
   * @throws Error if it does not start; the one before goes on
   */
  use(plan: Plan): Promise<void> {
    const start = this.lastStart.then(() => this.start(plan));
    this.lastStart = start.catch(() => {});
    return start;
  }

  /** Takes no more requests, and ends all: transfers have so long. */
  async end(drainMs: number): Promise<void> {
    this.isEnding = true;
    for (const worker of this.all) void worker.stop();
    const timer = setTimeout(() => this.kill(), drainMs);
    await Promise.all([...this.all].map((worker) => worker.ended));
    clearTimeout(timer);
  }

  kill(): void {
    for (const worker of this.all) worker.kill();
  }

  private async start(plan: Plan): Promise<void> {
    if (this.isEnding) return;
    const worker = startWorker(plan, this.sockets, this.counted);
    this.all.add(worker);
    void worker.ended.then((how) => {
      this.all.delete(worker);
      if (worker !== this.current?.worker || this.isEnding) return;
      this.log('error', `the worker died (${how})`);
      if (performance.now() - this.current.startedAt > GOOD_MS) this.pauseMs = FIRST_PAUSE_MS;
      this.current = undefined;
      this.restart(plan);
    });
    await worker.ready;
    const before = this.current?.worker;
    this.current = { worker, startedAt: performance.now() };
    // It knows other boards than the new one.
    await before?.stop();
    const finishing = [...this.all].filter((other) => other !== worker);
    for (const oldest of finishing.slice(0, -MAX_FINISHING)) {
      this.log('warning', 'transfers that began some changes ago are ended');
      oldest.kill();
    }
  }

  private restart(plan: Plan): void {
    setTimeout(() => {
      // A changed configuration may have brought one.
      if (this.current || this.isEnding) return;
      this.use(plan).catch((error: Error) => {
        this.log('error', error.message);
        this.restart(plan);
      });
    }, this.pauseMs);
    this.pauseMs = Math.min(this.pauseMs * 2, MAX_PAUSE_MS);
  }
}
