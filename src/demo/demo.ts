/** The demo: state directory, board and listener, from start to Ctrl-C. */
import { once } from 'node:events';
import { CommandError } from '../shell/errors.ts';
import { endServers } from '../shell/nfs-embedded.ts';
import { type Board, startBoard } from './board.ts';
import { boardSocket } from './board-client.ts';
import { greeting } from './greeting.ts';
import { startListener } from './listener.ts';
import { parseOptions } from './options.ts';
import { openState, type State, writeSshConfig } from './state.ts';

/** sshd_config's LoginGraceTime is 120 s; nobody types a password here. */
const LOGIN_GRACE_MS = 30_000;

/** Resolves at the first signal to end. */
function untilSignal(): Promise<unknown> {
  return Promise.race((['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((signal) => once(process, signal)));
}

async function startBoardIn(state: State): Promise<Board> {
  try {
    return await startBoard(boardSocket(state.descriptor));
  } catch (error) {
    throw new CommandError(`cannot start the board: ${(error as Error).message}`, undefined, {
      cause: error,
    });
  }
}

/** Runs until a signal. Everything that was started has ended then. */
export async function runDemo(args: readonly string[], script: string): Promise<void> {
  const { port, state: directory, shell, program } = parseOptions(args, script);
  await using cleanup = new AsyncDisposableStack();
  const ended = untilSignal();
  const state = openState(directory, { program: [process.execPath, program] });
  cleanup.defer(() => state.release());
  cleanup.defer(() => endServers(state.home));
  const board = await startBoardIn(state);
  cleanup.defer(() => board.close());
  const { home, hostKeyFile } = state;
  const settings = { hostKeyFile, home, shell, loginGraceMs: LOGIN_GRACE_MS };
  const listener = await startListener({ program, port, settings });
  cleanup.defer(() => listener.close());
  writeSshConfig(state, listener.port);
  process.stdout.write(greeting(state, listener.port));
  await ended;
  // A second signal must not leave anything behind.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
}
