/** Which calls may run now, and which the client is to repeat later. Who opens and shuts it is lease.ts and pause.ts. */
import { PutOff } from './put-off.ts';

export class Gate {
  /** Calls that were not run while it was shut for all, since it was shut the last time. */
  putOff = 0;
  /** Settled when it opens; undefined while it is open. */
  private opening: PromiseWithResolvers<void> | undefined;
  private openedAt = performance.now();
  private changesMayRun = true;
  /** Changes that began and have not ended. */
  private changing = 0;
  private idle: PromiseWithResolvers<void> | undefined;

  /** No call runs, until open(). */
  shut(): void {
    if (this.opening !== undefined) return;
    this.putOff = 0;
    this.opening = Promise.withResolvers();
  }

  open(): void {
    if (this.opening === undefined) return;
    this.opening.resolve();
    this.opening = undefined;
    this.openedAt = performance.now();
  }

  /** No call is heard now. */
  get isShut(): boolean {
    return this.opening !== undefined;
  }

  /** Whether calls were heard all that time, up to now. */
  wasOpenFor(ms: number): boolean {
    return !this.isShut && performance.now() - this.openedAt >= ms;
  }

  /** No change begins, until allowChanges(). A promise if some run: until they have ended. */
  holdChanges(): Promise<void> | undefined {
    this.changesMayRun = false;
    if (this.changing === 0) return undefined;
    this.idle ??= Promise.withResolvers();
    return this.idle.promise;
  }

  allowChanges(): void {
    this.changesMayRun = true;
  }

  /** Whether a call is to be answered with NFS3ERR_JUKEBOX. Asked for every call. */
  refuses(changes: boolean): boolean {
    if (this.opening !== undefined) {
      this.putOff += 1;
      return true;
    }
    return changes && !this.changesMayRun;
  }

  /** For calls that have no answer of that kind. @throws PutOff */
  pass(): void {
    if (this.opening === undefined) return;
    this.putOff += 1;
    throw new PutOff(this.opening.promise);
  }

  /** A change goes on later. */
  async track(change: Promise<unknown>): Promise<void> {
    this.changing += 1;
    try {
      await change;
    } catch {
      // Its own reply tells.
    }
    this.changing -= 1;
    if (this.changing > 0) return;
    this.idle?.resolve();
    this.idle = undefined;
  }
}
