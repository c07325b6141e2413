/**
 * A fresh Debian with a real systemd in a container of its own network, and our package installed in it by dpkg. Nothing
 * else of the repository is in sight there.
 */
import fs from 'node:fs';
import path from 'node:path';
import { Container, checkForContainers, makeKey, type Result, sshOptions } from './container.ts';
import { CACHE, DEBIAN_MS, debianTree } from './debian-tree.ts';
import { packageFile } from './package-file.ts';
import type { Session } from './ssh-session.ts';

const GUARD = path.join(import.meta.dirname, 'package-guard.sh');
export const BOOT_MS = DEBIAN_MS;

/** Who has a key; it counts where a test says so. */
const USERS = ['alice', 'bob', 'carol'] as const;
type User = (typeof USERS)[number];

export class PackageMachine {
  readonly #container: Container;
  /** For files of the test's, outside. */
  readonly directory: string;

  constructor(container: Container, directory: string) {
    this.#container = container;
    this.directory = directory;
  }

  /** Runs a program of the outside in the machine's network. */
  outside(argv: readonly string[]): Promise<Result> {
    return this.#container.run([...this.network, ...argv]);
  }

  /** What comes before such a program. */
  get network(): readonly string[] {
    return this.#container.network;
  }

  /** Runs a script of /bin/sh as root. */
  run(script: string): Promise<Result> {
    return this.#container.runScript(script);
  }

  /** The same. @returns its output @throws Error if it fails */
  root(script: string): Promise<string> {
    return this.#container.root(script);
  }

  /** Runs a script of /bin/sh as the account, in its home, with its user manager in reach. */
  account(name: string, script: string): Promise<Result> {
    const command = `cd; XDG_RUNTIME_DIR=/run/user/$(id -u); export XDG_RUNTIME_DIR; ${script}`;
    const as =
      'exec setpriv --reuid="$1" --regid="$(id -g "$1")" --init-groups --reset-env -- /bin/sh -ec "$2"';
    return this.#container.run([...this.#container.inside, '/bin/sh', '-ec', as, 'sh', name, command]);
  }

  admin(...words: readonly string[]): Promise<Result> {
    return this.#container.run([...this.#container.inside, '/usr/sbin/novaboot-admin', ...words]);
  }

  /** The file of a user's public key, inside. */
  key(user: User): string {
    return `/root/keys/${user}.pub`;
  }

  publicKey(user: User): string {
    return fs.readFileSync(path.join(this.directory, 'keys', `${user}.pub`), 'utf8');
  }

  #sshArgv(user: User, board: string, command: string): string[] {
    return [...this.network, ...this.#client(user), `${board}@127.0.0.1`, command];
  }

  #client(user: User): string[] {
    return ['ssh', ...sshOptions(path.join(this.directory, 'keys'), user, 22)];
  }

  /** The value of rsync's --rsh, for `outside`. */
  rsh(user: User): string {
    return this.#client(user).join(' ');
  }

  ssh(user: User, board: string, command: string): Promise<Result> {
    return this.#container.run(this.#sshArgv(user, board, command));
  }

  /** The same of one whose standard input stays open; it ends with the machine at the latest. */
  spawnSsh(user: User, board: string, command: string): Session {
    return this.#container.spawn(this.#sshArgv(user, board, command));
  }

  /** Writes a file of root's, as root: nothing that an account may have put in the way. */
  async write(file: string, text: string | Buffer, mode = '644'): Promise<void> {
    const script = 'mkdir -p "$(dirname "$1")"; cat >"$1"; chmod "$2" "$1"';
    const argv = [...this.#container.inside, '/bin/sh', '-ec', script, 'sh', file, mode];
    const { stderr, exitCode } = await this.#container.run(argv, text);
    if (exitCode !== 0) throw new Error(`${file}: ${stderr}`);
  }

  /** Waits, in the machine, for a condition of its shell. @throws Error after 70 s */
  async until(condition: string): Promise<void> {
    await this.root(`deadline=$(($(date +%s) + 70))
      until ${condition}; do [ $(date +%s) -lt $deadline ]; sleep 0.1; done`);
  }

  /** Installs or upgrades, as `dpkg -i` does. */
  async install(file = packageFile()): Promise<Result> {
    await this.write('/root/package.deb', fs.readFileSync(file));
    return this.run('dpkg --force-unsafe-io -i /root/package.deb; rm /root/package.deb');
  }

  reboot(): Promise<void> {
    return this.#container.reboot();
  }

  stop(): Promise<void> {
    return this.#container.stop();
  }
}

/** @param install whether our package is there already */
export async function bootPackageMachine({ install = true } = {}): Promise<PackageMachine> {
  checkForContainers();
  const file = install && packageFile();
  const tree = debianTree();
  const directory = fs.mkdtempSync(path.join(CACHE, 'machine-'));
  fs.mkdirSync(path.join(directory, 'keys'));
  for (const user of USERS) makeKey(path.join(directory, 'keys', user));
  const container = new Container([GUARD, tree, directory]);
  await container.booted();
  const machine = new PackageMachine(container, directory);
  if (file) {
    const { stdout, stderr, exitCode } = await machine.install(file);
    if (exitCode !== 0) {
      await machine.stop();
      throw new Error(`dpkg -i: status ${exitCode}: ${stdout}${stderr}`);
    }
  }
  return machine;
}
