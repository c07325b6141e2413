/**
 * A machine with a real systemd: a Debian tree (scripts/systemd-tree.sh) booted in a container, with sshd on a free
 * loopback port, the units of dist/units, the account of the TFTP server, and board accounts (`board`, and `other`) whose
 * user managers are systemd's own.
 */
import fs from 'node:fs';
import path from 'node:path';
import { findFreePort } from '../../src/shell/free-port.ts';
import { Container, checkForContainers, makeKey, type Result, sshOptions } from './container.ts';
import { CACHE, DEBIAN_MS, debianTree } from './debian-tree.ts';
import type { Session } from './ssh-session.ts';

const REPOSITORY = path.resolve(import.meta.dirname, '../..');
const GUARD = path.join(import.meta.dirname, 'systemd-guard.sh');
export const BOOT_MS = DEBIAN_MS;

type User = 'alice' | 'bob' | 'guest';
type Account = 'board' | 'other';

export interface Machine {
  /** Runs a command of the login shell; alice is an administrator, bob is none, guest has no name. */
  ssh(user: User, command: string, account?: Account): Promise<Result>;
  /** The same of one whose standard input stays open; it ends with the machine at the latest. */
  spawnSsh(user: User, command: string, account?: Account): Session;
  /** Runs a script of /bin/sh as root. @throws Error if it fails */
  root(script: string): Promise<string>;
  /** What comes before a program of ours that is to run in its network. */
  readonly network: readonly string[];
  /** Runs a script of /bin/sh as the account, with its user manager in reach. */
  board(script: string): Promise<Result>;
  /** What /home holds, who lingers, and the units stay. */
  reboot(): Promise<void>;
  stop(): Promise<void>;
}

function writeFiles(directory: string): void {
  const options = { alice: 'command="user alice admin" ', bob: 'command="user bob" ', guest: '' };
  const lines = Object.entries(options).map(([user, line]) => line + makeKey(path.join(directory, user)));
  fs.writeFileSync(path.join(directory, 'authorized_keys'), lines.join(''));
  makeKey(path.join(directory, 'host'));
}

/** @param network ours, so that ssh works, or a loopback of its own */
export async function bootMachine(network: 'shared' | 'own' = 'shared'): Promise<Machine> {
  checkForContainers();
  const tree = debianTree();
  const directory = fs.mkdtempSync(path.join(CACHE, 'machine-'));
  writeFiles(directory);
  // It is taken when the container is up: by then an outgoing connection could have one of the kernel's choice.
  const port = await findFreePort(directory, new Set());
  if (port === undefined) throw new Error('There is no free port');
  const container = new Container([GUARD, tree, REPOSITORY, directory, String(port), String(port), network]);
  await container.booted();

  const asBoard = ['setpriv', `--reuid=${port}`, `--regid=${port}`, '--clear-groups', '--reset-env', '--'];
  const sshArgv = (user: User, command: string, account: Account) => [
    ...['ssh', ...sshOptions(directory, user, port), `${account}@127.0.0.1`],
    command,
  ];

  return {
    get network() {
      return container.network;
    },
    ssh: (user, command, account = 'board') => container.run(sshArgv(user, command, account)),
    spawnSsh: (user, command, account = 'board') => container.spawn(sshArgv(user, command, account)),
    root: (script) => container.root(script),
    board(script) {
      const runtime = `XDG_RUNTIME_DIR=/run/user/${port}`;
      return container.run([
        ...container.inside,
        ...asBoard,
        'env',
        runtime,
        '/bin/sh',
        '-ec',
        `cd; ${script}`,
      ]);
    },
    reboot: () => container.reboot(),
    stop: () => container.stop(),
  };
}
