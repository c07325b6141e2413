/** What a board's .novaboot-shell runs: `novaboot-demo board console|on|off|reset STATE`. Loads no package. */
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { constants } from 'node:os';
import { CommandError, ExitCode } from '../../shell/errors.ts';

/** The socket's path, of which there may be 107 bytes (unix(7)), whatever the directory's is. */
export function boardSocket(stateDescriptor: number): string {
  return `/proc/self/fd/${stateDescriptor}/board.sock`;
}

/** Ctrl-], as with telnet. */
const LEAVE = 0x1d;

async function connectToBoard(state: string): Promise<Socket> {
  try {
    const socket = connect(boardSocket(openSync(state, 'r')));
    await once(socket, 'connect');
    return socket;
  } catch (error) {
    throw new CommandError('the board does not run', ExitCode.notConfigured, { cause: error });
  }
}

async function request(socket: Socket, command: string): Promise<number> {
  socket.write(`${command}\n`);
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  if (answer !== 'ok\n') throw new CommandError(answer.trim() || 'the board has ended');
  return 0;
}

/** The serial line on standard input and output, until Ctrl-] on a terminal, a signal, or the end of the board. */
function attach(socket: Socket): Promise<number> {
  const { stdin, stdout } = process;
  return new Promise((resolve) => {
    function leave(status: number): void {
      if (stdin.isTTY) stdin.setRawMode(false);
      resolve(status);
    }
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => leave(128 + constants.signals[signal]));
    }
    if (stdin.isTTY) {
      stdin.setRawMode(true);
      process.stderr.write('(Ctrl-] leaves the console)\r\n');
    }
    socket.on('error', () => {});
    socket.once('close', () => leave(ExitCode.failed));
    socket.write('console\n');
    socket.pipe(stdout, { end: false });
    stdout.once('error', () => leave(ExitCode.failed));
    stdin.on('data', (data: Buffer) => {
      const end = stdin.isTTY ? data.indexOf(LEAVE) : -1;
      if (!socket.write(end < 0 ? data : data.subarray(0, end))) {
        stdin.pause();
        socket.once('drain', () => stdin.resume());
      }
      if (end >= 0) leave(0);
    });
    // No leaving at the end of input: `console </dev/null` watches the board.
    stdin.on('error', () => {});
  });
}

/** @returns the exit status */
export async function runBoardClient([command, state, ...rest]: readonly string[]): Promise<number> {
  if (state === undefined || rest.length > 0 || !/^(console|on|off|reset)$/.test(command ?? '')) {
    throw new CommandError('usage: novaboot-demo board serve|console|on|off|reset STATE', ExitCode.usage);
  }
  const socket = await connectToBoard(state);
  return command === 'console' ? attach(socket) : request(socket, command as string);
}
