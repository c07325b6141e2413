/** The program that powers the board on while its console is open already. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { programEnvironment } from '../shell/environment.ts';
import { CommandError } from '../shell/errors.ts';
import type { UserTerminal } from './user-terminal.ts';

/**
 * What the program prints goes to the user. It ends with us, however we end: it must not switch the next user's board.
 *
 * @returns its exit status, 128 + N for a signal
 */
export async function powerOn(program: readonly string[], user: UserTerminal): Promise<number> {
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', '--', ...program], {
    env: programEnvironment(process.env),
    stdio: ['ignore', 'pipe', user.isTerminal ? 'pipe' : 'inherit'],
  });
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text: Buffer) => user.say(text));
  try {
    const [status, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return status ?? 128 + constants.signals[signal ?? 'SIGTERM'];
  } catch (error) {
    throw new CommandError(`Cannot run setpriv: ${(error as Error).message}`, undefined, { cause: error });
  }
}
