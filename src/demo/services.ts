/** What the demo consists of: the board with what it loads files from, and the SSH server in front of it. */
import { startBoard } from './board/board.ts';
import { boardSocket } from './board/board-client.ts';
import type { MachineKind } from './board/machine.ts';
import { simpleMachine } from './board/simple-machine.ts';
import { virtualMachine } from './board/virtual-machine.ts';
import { endNfsServers } from './nfs-servers.ts';
import type { DemoOptions } from './options.ts';
import { startListener } from './ssh/listener.ts';
import { type State, writeBoardConfiguration, writeSshConfig } from './state.ts';
import { startTftpServer } from './tftp-server.ts';

/** sshd_config's LoginGraceTime is 120 s; nobody types a password here. */
const LOGIN_GRACE_MS = 30_000;

/** A virtual machine that gets its files from a TFTP server. */
async function startMachine(
  state: State,
  program: string,
  cleanup: AsyncDisposableStack,
): Promise<MachineKind> {
  const { home } = state;
  const tftp = await startTftpServer(program, state);
  cleanup.defer(() => tftp.close());
  return virtualMachine({ tftpPort: tftp.port, home });
}

/**
 * Starts everything.
 *
 * @param cleanup ends it, the users' NFS servers included
 * @returns the port of the SSH server
 */
export async function startServices(
  { program, port, shell, tftpd }: DemoOptions,
  state: State,
  { virtual, cleanup }: { virtual: boolean; cleanup: AsyncDisposableStack },
): Promise<number> {
  const { home, hostKeyFile } = state;
  cleanup.defer(() => endNfsServers(home));
  const machine = virtual ? await startMachine(state, tftpd, cleanup) : simpleMachine;
  const board = await startBoard(boardSocket(state.descriptor), machine);
  cleanup.defer(() => board.close());
  const own = [process.execPath, program];
  writeBoardConfiguration(state, { program: own, targetConfig: machine.targetConfig });
  const settings = { hostKeyFile, home, shell, loginGraceMs: LOGIN_GRACE_MS };
  const listener = await startListener({ program, port, settings });
  cleanup.defer(() => listener.close());
  writeSshConfig(state, listener.port);
  return listener.port;
}
