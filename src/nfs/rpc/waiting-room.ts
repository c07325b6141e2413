/** Calls that were put off, as copies, until what they need is there. Bounded: others wait outside, with their bytes. */

const MAX_CALLS = 256;
const MAX_BYTES = 4 * 1024 * 1024;

export class WaitingRoom {
  private calls = 0;
  private bytes = 0;
  private readonly outside = new Set<() => void>();

  /**
   * Keeps a copy of the call, and gives it to `again` when the promise is settled, either way.
   *
   * @returns false if there is no room
   */
  enter(call: Buffer, until: Promise<void>, again: (call: Buffer) => void): boolean {
    const { length } = call;
    if (this.calls >= MAX_CALLS || this.bytes + length > MAX_BYTES) return false;
    const copy = Buffer.from(call);
    this.calls += 1;
    this.bytes += length;
    const leave = () => {
      this.calls -= 1;
      this.bytes -= length;
      // If it is put off once more, it finds the place that it has just left.
      again(copy);
      this.wake();
    };
    void until.then(leave, leave);
    return true;
  }

  /** Calls `wake` once, when there is room. */
  whenRoom(wake: () => void): void {
    this.outside.add(wake);
  }

  forget(wake: () => void): void {
    this.outside.delete(wake);
  }

  private wake(): void {
    for (const wake of [...this.outside]) {
      if (this.calls >= MAX_CALLS) return;
      this.outside.delete(wake);
      wake();
    }
  }
}
