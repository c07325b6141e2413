/** What the demo prints once it is ready. */
import { join, relative } from 'node:path';
import { DEMO_USERS, type State, shellWord } from './state.ts';

/** The shorter of the absolute path and the one from here. */
function fromHere(file: string): string {
  const path = relative(process.cwd(), file);
  return shellWord(path.startsWith('..') ? file : path);
}

export function greeting(state: State, port: number): string {
  const [admin, other] = DEMO_USERS;
  const ssh = `ssh -F ${fromHere(state.sshConfig)}`;
  const control = fromHere(join(state.directory, 'ctl'));
  const root = fromHere(join(state.home, 'nfsroot', admin, 'root'));
  return `novaboot-demo: a demo board for ${admin} (an administrator) and ${other}, port ${port}

Try in other terminals, from this directory:

  ${ssh} ${admin} help
  ${ssh} ${admin}                            # the console; Ctrl-] leaves it
  ${ssh} ${other} reset                        # meanwhile: waits, and shows who has the board
  ${ssh} ${admin} status

The console and a reset over the same connection, as the novaboot client does it:

  ${ssh} -t -M -S ${control} ${admin} console
  ${ssh} -t -S ${control} ${admin} reset

The root file system of a board, ${root}, by NFS: get-config starts the server and
prints its address, where QEMU's user network has it, and its mount options:

  ${ssh} ${admin} get-config
  ${ssh} ${admin} nfs status
  ${ssh} ${admin} untar - < rootfs.tar.gz      # a root file system of your own, with its owners
  ${ssh} ${admin} root list

Files for the board, and another user:

  rsync -RL --rsh='${ssh}' package.json ${admin}:
  ${ssh} ${admin} add-key carol < ~/.ssh/id_ed25519.pub
  ssh -p ${port} board@127.0.0.1 help               # as carol, with a key of your own

Ctrl-C ends the demo.
`;
}
