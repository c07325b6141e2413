/** Gives the user's terminal the console that was a program's. */
import { once } from 'node:events';
import type { BootedBoard } from './boot.ts';

/** Resolves when the console or the terminal has ended; Ctrl-] ends the former, and Ctrl-C goes to the board like any key. */
export async function takeOver({ line, console: client }: BootedBoard): Promise<void> {
  const { stdin, stdout } = process;
  line.release();
  client.stdout.pipe(stdout, { end: false });
  client.stderr.pipe(process.stderr, { end: false });
  stdin.setRawMode(true);
  stdin.pipe(client.stdin);
  try {
    // The prompt that came before.
    line.type('\n');
    await Promise.race([once(client, 'close'), once(stdin, 'end')]);
  } finally {
    stdin.unpipe(client.stdin);
    stdin.setRawMode(false);
    stdin.pause();
  }
}
