/** What the demo prints once it is ready. Its lines that begin with two blanks are to be typed as they are. */
import { join } from 'node:path';
import {
  type BootFiles,
  bootUpload,
  fromHere,
  getConfig,
  resetCommand,
  rootUpload,
  sharedConsole,
  sshCommand,
} from './boot/user-commands.ts';
import { DEMO_USERS, type State } from './state.ts';

/** How to boot the board by hand. */
export interface BootSteps {
  readonly files: BootFiles;
  /** For the prompt of the boot loader. */
  readonly commands: readonly string[];
}

const [ADMIN, OTHER] = DEMO_USERS;

function sharedConnection(state: State): string {
  return `The console and a reset over the same connection, as the novaboot client does it:

  ${sharedConsole(state, ADMIN, '-t')}
  ${resetCommand(state, ADMIN)}
`;
}

function bootSection(state: State, { files, commands }: BootSteps): string {
  return `Boot Linux on the board, with its root file system by NFS. The console in one terminal:

  ${sharedConsole(state, ADMIN, '-t')}

In another, over the same connection, as the novaboot client does it: root file system, kernel, reset:

  ${rootUpload(state, ADMIN, files)}
  ${bootUpload(state, ADMIN, files)}
  ${resetCommand(state, ADMIN)}

In the console press a key when U-Boot counts down, and type this, with values of get-config:

${commands.map((command) => `  ${command}`).join('\n')}
`;
}

/** @param boot for a board that can be booted */
export function greeting(state: State, port: number, boot?: BootSteps): string {
  const ssh = sshCommand(state);
  const root = fromHere(join(state.home, 'nfsroot', ADMIN, 'root'));
  return `novaboot-demo: a demo board for ${ADMIN} (an administrator) and ${OTHER}, port ${port}

Try in other terminals, from this directory:

  ${ssh} ${ADMIN} help
  ${ssh} ${ADMIN}                            # the console; Ctrl-] leaves it
  ${ssh} ${OTHER} reset                        # meanwhile: waits, and shows who has the board
  ${ssh} ${ADMIN} status
  ${ssh} ${OTHER} console-log -f               # watch the console that somebody else has
  ${ssh} ${OTHER} why                          # how far the last boot came, and what to do

${boot ? bootSection(state, boot) : sharedConnection(state)}
The root file system of a board, ${root}, by NFS: get-config starts the server and
prints its address, where QEMU's user network has it, and its mount options:

  ${getConfig(state, ADMIN)}
  ${ssh} ${ADMIN} nfs status
  ${ssh} ${ADMIN} untar - < rootfs.tar.gz      # a root file system of your own, with its owners
  ${ssh} ${ADMIN} root list

Files for the board, and another user:

  rsync -RL --rsh='${ssh}' package.json ${ADMIN}:
  ${ssh} ${ADMIN} add-key carol < ~/.ssh/id_ed25519.pub
  ssh -p ${port} board@127.0.0.1 help               # as carol, with a key of your own

Ctrl-C ends the demo.
`;
}
