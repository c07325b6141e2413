/** The demo's TFTP server: novaboot-tftpd on a loopback port, for the board's files. It dies with the demo. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { printable } from '../shell/text.ts';
import { ACCOUNT } from './ssh/connection.ts';
import { type State, tftpJournals } from './state.ts';

export interface TftpServer {
  /** UDP, on 127.0.0.1. */
  readonly port: number;
  close(): Promise<void>;
}

const START_MS = 15_000;

/** From QEMU's user network the board comes as this machine. */
function configuration(state: Pick<State, 'directory' | 'home'>): string {
  return `directory=${state.home}
public=
journal=${tftpJournals(state)}
[board ${ACCOUNT}]
address=127.0.0.1
tree=${join(state.home, 'tftproot')}
`;
}

/**
 * Its messages go to tftpd.log in the state directory.
 *
 * @param program novaboot-tftpd
 */
export async function startTftpServer(
  program: string,
  state: Pick<State, 'directory' | 'home'>,
): Promise<TftpServer> {
  const file = join(state.directory, 'tftpd.conf');
  writeFileSync(file, configuration(state), { mode: 0o600 });
  const log = openSync(join(state.directory, 'tftpd.log'), 'w', 0o600);
  const guard = ['--pdeathsig', 'TERM', '--'];
  const args = [...guard, program, '--config', file, '--listen', '127.0.0.1:0'];
  // Detached: Ctrl-C is for us, and the server ends after the board.
  const child = spawn('setpriv', args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  let last = 'it says nothing';
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.once('error', ({ message }) => {
    last = message;
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), START_MS);
  const port = await new Promise<number>((resolve, reject) => {
    createInterface(child.stderr).on('line', (line) => {
      last = printable(line.replace(/^<\d>|^novaboot-tftpd: /, ''));
      writeSync(log, `${line}\n`);
      const [, ready] = /serving on \S+:(\d+)/.exec(line) ?? [];
      if (ready !== undefined) resolve(Number(ready));
    });
    const failed = () => new CommandError(`The TFTP server did not start: ${last}`, ExitCode.failed);
    void exited.then(() => {
      closeSync(log);
      reject(failed());
    });
  });
  clearTimeout(limit);
  let isClosing = false;
  void exited.then(() => {
    if (!isClosing) console.error(`novaboot-demo: the TFTP server has ended: ${last}`);
  });
  return {
    port,
    async close() {
      isClosing = true;
      // SIGTERM would let transfers finish, of a board that is off. The kernel ends the worker with its supervisor.
      child.kill('SIGKILL');
      await exited;
    },
  };
}
