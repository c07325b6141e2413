/** What a board consists of behind its socket (board.ts): something with a power switch and a serial line. */
import type { Writable } from 'node:stream';

export interface Machine {
  /**
   * Switches it on; nothing if it is on.
   *
   * @throws CommandError if it doesn't start
   */
  on(): Promise<void>;
  /** A power cut. */
  off(): Promise<void>;
  /** Starts it again, or switches it on. @throws CommandError as on() does */
  reset(): Promise<void>;
  /** What is typed on the serial line. Takes no more than the machine does, and all while it is off: nobody hears it. */
  readonly input: Writable;
}

export interface MachineKind {
  /** Switched off at first. @param print gets what the machine sends on its serial line */
  make(print: (bytes: Buffer) => void): Machine;
  /** What the novaboot client needs to know: lines of `target_config`. */
  readonly targetConfig: readonly string[];
}
