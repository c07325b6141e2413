/** Gives the user's terminal the console that was a program's. */
import { once } from 'node:events';
import type { BootedBoard } from './boot.ts';

/** Resolves when the console has ended; Ctrl-] ends it, and Ctrl-C goes to the board like any key. */
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
    await once(client, 'close');
  } finally {
    stdin.unpipe(client.stdin);
    stdin.setRawMode(false);
    stdin.pause();
  }
}
