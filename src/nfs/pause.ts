/**
 * Changes are put off while a root is saved: who saves it has the lock of a file (flock(2)), and then asks the server
 * (SIGUSR1) until it says that it pauses. The end of that process is the end of the pause, whatever it ends by.
 */
import fs from 'node:fs';
import { flock, flockInThread, LOCK_NB, LOCK_SH } from '../system/descriptors.ts';
import type { Log } from '../system/log.ts';
import type { Gate } from './gate.ts';

const { O_NOFOLLOW, O_RDONLY } = fs.constants;

export class Pause {
  private readonly file: string;
  private readonly gate: Gate;
  private readonly log: Log;
  private begun = false;
  private isWaiting = false;

  constructor(file: string, gate: Gate, log: Log) {
    this.file = file;
    this.gate = gate;
    this.log = log;
  }

  /** No change is under way, and none begins. */
  get isOn(): boolean {
    return this.begun;
  }

  /** Looks whether somebody wants a pause. A promise if it has to be waited for: until it is on. */
  look(): Promise<void> | undefined {
    if (this.isWaiting) return undefined;
    const fd = openHeld(this.file);
    if (fd === undefined) return undefined;
    this.isWaiting = true;
    const changes = this.gate.holdChanges();
    void this.untilFree(fd);
    if (changes !== undefined) return changes.then(() => this.begin());
    this.begin();
    return undefined;
  }

  private begin(): void {
    this.begun = this.isWaiting;
  }

  private async untilFree(fd: number): Promise<void> {
    try {
      await flockInThread(fd, LOCK_SH);
    } catch (error) {
      this.log('error', `${this.file}: ${(error as Error).message}`);
    }
    fs.closeSync(fd);
    this.isWaiting = false;
    this.begun = false;
    this.gate.allowChanges();
  }
}

/** @returns undefined if nobody has the file's lock */
function openHeld(file: string): number | undefined {
  let fd: number | undefined;
  try {
    fd = fs.openSync(file, O_RDONLY | O_NOFOLLOW);
    flock(fd, LOCK_SH | LOCK_NB);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EAGAIN') return fd;
    // Nobody has ever saved a root.
    if (code !== 'ENOENT') throw error;
  }
  if (fd !== undefined) fs.closeSync(fd);
  return undefined;
}
