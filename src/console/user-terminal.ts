/** The user's side of a console: a terminal, or pipes where there is none. */

import type { Readable, Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { DescriptorStream } from '../system/descriptor-stream.ts';
import { setBlocking } from '../system/descriptors.ts';
import { rawTerminal } from '../system/termios.ts';

export interface UserTerminal {
  /** Whether somebody types: then there is an escape key. */
  readonly isTerminal: boolean;
  readonly input: Readable;
  /** The board's bytes, as they are. An error tells that nobody reads any more. */
  readonly output: Writable;
  /** Puts lines of our own, or of a program, among the board's. */
  say(text: string | Buffer): void;
  /** Makes the terminal what it was. */
  restore(): void;
}

/** From now on a terminal sends and shows bytes as they are. */
export function openUserTerminal(): UserTerminal {
  const isTerminal = isatty(0);
  const makeCooked = isTerminal ? rawTerminal(0) : () => {};
  const output = new DescriptorStream(1, 'output');
  // The end of the input is not that of the console: `console </dev/null` watches the board.
  process.stdin.on('error', () => {});
  return {
    isTerminal,
    input: process.stdin,
    output,
    say(text) {
      const lines = Buffer.from(text).toString('latin1');
      output.write(Buffer.from(isTerminal ? lines.replaceAll('\n', '\r\n') : lines, 'latin1'));
    },
    restore() {
      makeCooked();
      // Others share them: the shell that started us.
      for (const fd of [0, 1, 2]) setBlocking(fd);
    },
  };
}
