/**
 * A machine with a real systemd: a Debian tree (scripts/systemd-tree.sh) booted in a container, with sshd on a free
 * loopback port, the units of dist/units, the account of the TFTP server, and board accounts (`board`, and `other`) whose
 * user managers are systemd's own.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { execa } from 'execa';
import { asRoot, CACHE, DEBIAN_MS, debianTree } from './debian-tree.ts';
import { Session } from './ssh-session.ts';

const REPOSITORY = path.resolve(import.meta.dirname, '../..');
const GUARD = path.join(import.meta.dirname, 'systemd-guard.sh');
const PROGRAMS = {
  'systemd-nspawn': 'systemd-container',
  debootstrap: 'debootstrap',
  ssh: 'openssh-client',
  nsenter: 'util-linux',
};
const TIMEOUT_MS = 60_000;
export const BOOT_MS = DEBIAN_MS;

export interface Result {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | undefined;
}

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

function checkMachine(): void {
  const directories = `${process.env.PATH}:/usr/sbin:/sbin`.split(':');
  const missing = Object.entries(PROGRAMS).filter(
    ([name]) => !directories.some((directory) => fs.existsSync(path.join(directory, name))),
  );
  if (missing.length > 0) {
    const packages = missing.map(([, debianPackage]) => debianPackage).join(' ');
    throw new Error(`Missing programs; install them with: sudo apt-get install ${packages}`);
  }
  try {
    if (asRoot.length > 0) execFileSync('sudo', ['-n', 'true'], { stdio: 'ignore' });
  } catch {
    throw new Error('The tests with systemd need root, or sudo without a password: they boot a container');
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function makeKey(file: string): string {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
  return fs.readFileSync(`${file}.pub`, 'utf8');
}

function writeFiles(directory: string): void {
  const options = { alice: 'command="user alice admin" ', bob: 'command="user bob" ', guest: '' };
  const lines = Object.entries(options).map(([user, line]) => line + makeKey(path.join(directory, user)));
  fs.writeFileSync(path.join(directory, 'authorized_keys'), lines.join(''));
  makeKey(path.join(directory, 'host'));
}

/** Starts the guard, whose standard input keeps the container alive. */
function startGuard(tree: string, directory: string, port: number, network: 'shared' | 'own') {
  const words = [tree, REPOSITORY, directory, String(port), String(port), network];
  const argv = [...asRoot, '/bin/sh', GUARD, ...words];
  return execa(argv[0] ?? '', argv.slice(1), {
    // Not in the terminal's process group, so that Ctrl-C leaves it the time to clean up.
    detached: true,
    cleanup: false,
    reject: false,
    stdin: 'pipe',
    buffer: { stdout: false },
  });
}

/** Waits for the next boot. @returns the pid of its systemd */
async function booted(guard: ReturnType<typeof startGuard>): Promise<number> {
  return await new Promise<number>((resolve, reject) => {
    guard.stdout.on('data', (data) => {
      const [, ready] = /^ready (\d+)$/m.exec(String(data)) ?? [];
      if (ready !== undefined) resolve(Number(ready));
    });
    guard.then(({ stderr }) => reject(new Error(stderr)), reject);
  });
}

/**
 * @param suite the Debian release, which has the systemd
 * @param network ours, so that ssh works, or a loopback of its own
 */
export async function bootMachine(
  suite = 'bookworm',
  network: 'shared' | 'own' = 'shared',
): Promise<Machine> {
  checkMachine();
  const tree = debianTree(suite);
  const directory = fs.mkdtempSync(path.join(CACHE, 'machine-'));
  writeFiles(directory);
  const port = await freePort();
  const guard = startGuard(tree, directory, port, network);
  let leader = await booted(guard);
  const sessions: Session[] = [];

  const enter = () => [...asRoot, 'nsenter', '-t', String(leader), '-m', '-n', '-p', '-u', '-i', '-C', '--'];
  const asBoard = ['setpriv', `--reuid=${port}`, `--regid=${port}`, '--clear-groups', '--reset-env', '--'];
  async function run(argv: readonly string[]): Promise<Result> {
    const { stdout, stderr, exitCode, timedOut } = await execa(argv[0] ?? '', argv.slice(1), {
      stdin: 'ignore',
      reject: false,
      stripFinalNewline: false,
      timeout: TIMEOUT_MS,
    });
    if (timedOut) throw new Error(`${argv.at(-1)} ran for ${TIMEOUT_MS} ms: ${stdout}${stderr}`);
    return { stdout, stderr, exitCode };
  }

  function sshArgv(user: User, command: string, account: Account): string[] {
    const options = [
      ...['-F', '/dev/null', '-p', String(port), '-i', path.join(directory, user)],
      ...['-oIdentitiesOnly=yes', '-oBatchMode=yes', '-oLogLevel=ERROR'],
      ...['-oStrictHostKeyChecking=no', `-oUserKnownHostsFile=${directory}/known_hosts`],
    ];
    return ['ssh', ...options, `${account}@127.0.0.1`, command];
  }

  return {
    network: [...asRoot, 'nsenter', '-t', String(leader), '-n', '--'],
    ssh: (user, command, account = 'board') => run(sshArgv(user, command, account)),
    spawnSsh(user, command, account = 'board') {
      const session = new Session(sshArgv(user, command, account), { PATH: process.env.PATH ?? '' });
      sessions.push(session);
      return session;
    },
    async root(script) {
      const { stdout, stderr, exitCode } = await run([...enter(), '/bin/sh', '-ec', script]);
      if (exitCode !== 0) throw new Error(`${script}: status ${exitCode}: ${stderr}`);
      return stdout;
    },
    board(script) {
      const runtime = `XDG_RUNTIME_DIR=/run/user/${port}`;
      return run([...enter(), ...asBoard, 'env', runtime, '/bin/sh', '-ec', `cd; ${script}`]);
    },
    async reboot() {
      const next = booted(guard);
      await run([...enter(), 'systemctl', 'reboot']);
      guard.stdin.write('\n');
      leader = await next;
    },
    async stop() {
      for (const session of sessions) session.kill('SIGKILL');
      guard.stdin.end();
      await guard;
    },
  };
}
