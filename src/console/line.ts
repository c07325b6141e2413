/** The way to a board's console, whatever carries it. */
import type { Duplex } from 'node:stream';

export interface Line {
  /** For messages: the device, or the console server's address. */
  readonly name: string;
  /** What to add to the message that it is gone. */
  readonly ifGone: string;
  /** The board's bytes. Its end or error is the end of the line. */
  readonly stream: Duplex;
  /** Holds the line low for a while: SysRq of Linux, the attention of some boot loaders. */
  sendBreak(): Promise<void> | void;
  /** Lets others have the line. */
  close(): void;
}
