/** A container with a real systemd: what the two kinds of machines (systemd.ts, package-machine.ts) have in common. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { asRoot } from './debian-tree.ts';
import { Session } from './ssh-session.ts';

const PROGRAMS = {
  'systemd-nspawn': 'systemd-container',
  debootstrap: 'debootstrap',
  ssh: 'openssh-client',
  nsenter: 'util-linux',
};
/** For its end: where the disk is busy, removing its files takes its time. */
export const STOP_MS = 90_000;
/** For a single command in it. */
const TIMEOUT_MS = 80_000;

export interface Result {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | undefined;
}

/** @throws Error in one line if a program or a right is missing */
export function checkForContainers(): void {
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

/** @returns the public key, which is also FILE.pub */
export function makeKey(file: string): string {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', path.basename(file), '-f', file]);
  return fs.readFileSync(`${file}.pub`, 'utf8');
}

/** Options of ssh for a machine of a test. */
export function sshOptions(directory: string, key: string, port: number): string[] {
  return [
    ...['-F', '/dev/null', '-p', String(port), '-i', path.join(directory, key)],
    // The first choice (sntrup761) takes longer than all else in a session.
    ...['-oIdentitiesOnly=yes', '-oBatchMode=yes', '-oLogLevel=ERROR', '-oKexAlgorithms=curve25519-sha256'],
    ...['-oStrictHostKeyChecking=no', `-oUserKnownHostsFile=${directory}/known_hosts`],
  ];
}

export class Container {
  readonly #guard;
  readonly #sessions: Session[] = [];
  #leader = 0;
  #cgroup = '';

  /** @param argv the guard, a script that sources container-guard.sh, and its parameters */
  constructor(argv: readonly string[]) {
    const [file = '', ...args] = [...asRoot, '/bin/sh', ...argv];
    this.#guard = execa(file, args, {
      // Not in the terminal's process group, so that Ctrl-C leaves it the time to clean up.
      detached: true,
      cleanup: false,
      reject: false,
      stdin: 'pipe',
      buffer: { stdout: false },
    });
  }

  /** Waits for the next boot. */
  async booted(): Promise<void> {
    const [leader, cgroup] = await new Promise<readonly [string, string]>((resolve, reject) => {
      this.#guard.stdout.on('data', (data) => {
        const [, pid, directory] = /^ready (\d+) (.*)$/m.exec(String(data)) ?? [];
        if (pid !== undefined && directory !== undefined) resolve([pid, directory]);
      });
      this.#guard.then(({ stderr }) => reject(new Error(stderr)), reject);
    });
    this.#leader = Number(leader);
    this.#cgroup = cgroup;
  }

  /** What comes before a program of the outside that is to run in its network; it ends with who started it. */
  get network(): readonly string[] {
    const argv = ['nsenter', '-t', String(this.#leader), '-n', '--', 'setpriv', '--pdeathsig', 'KILL', '--'];
    return [...asRoot, ...argv];
  }

  /** What comes before a program of the inside. */
  get inside(): readonly string[] {
    // logind refuses whom it sees in a cgroup of the outside.
    const join = ['sh', '-ec', 'echo 0 >"$0/cgroup.procs"; exec "$@"', this.#cgroup];
    // Its root by name: where nspawn itself runs in a chroot, that of its mount namespace is the machine's.
    const spaces = ['-m', '-n', '-p', '-u', '-i', '-C', '-r', '-w'];
    const enter = ['nsenter', '-t', String(this.#leader), ...spaces, '--'];
    return [...asRoot, ...join, ...enter];
  }

  async run(argv: readonly string[], input?: string | Buffer): Promise<Result> {
    const { stdout, stderr, exitCode, timedOut } = await execa(argv[0] ?? '', argv.slice(1), {
      ...(input === undefined ? { stdin: 'ignore' } : { input }),
      reject: false,
      stripFinalNewline: false,
      timeout: TIMEOUT_MS,
    });
    if (timedOut) throw new Error(`${argv.at(-1)} ran for ${TIMEOUT_MS} ms: ${stdout}${stderr}`);
    return { stdout, stderr, exitCode };
  }

  /** Runs a script of /bin/sh as root. */
  runScript(script: string): Promise<Result> {
    return this.run([...this.inside, '/bin/sh', '-ec', script]);
  }

  /** The same. @returns its output @throws Error if it fails */
  async root(script: string): Promise<string> {
    const { stdout, stderr, exitCode } = await this.runScript(script);
    if (exitCode !== 0) throw new Error(`${script}: status ${exitCode}: ${stderr}`);
    return stdout;
  }

  /** Starts a client, which ends with the container at the latest. */
  spawn(argv: readonly string[]): Session {
    const session = new Session(argv, { PATH: process.env.PATH ?? '' });
    this.#sessions.push(session);
    return session;
  }

  async reboot(): Promise<void> {
    const next = this.booted();
    await this.run([...this.inside, 'systemctl', 'reboot']);
    this.#guard.stdin.write('\n');
    await next;
  }

  async stop(): Promise<void> {
    for (const session of this.#sessions) session.kill('SIGKILL');
    this.#guard.stdin.end();
    await this.#guard;
  }
}
