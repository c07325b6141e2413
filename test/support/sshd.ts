/**
 * A lab: Debian's own sshd on a free loopback port, with one board account whose login shell is the built
 * dist/novaboot-shell. The account exists in a mount namespace only (sshd-guard.sh); the machine's /etc stays as it
 * is. Its uid is the port's number, so that labs of test files that run side by side never meet.
 */
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { eventually, Session } from './ssh-session.ts';

export const ACCOUNT = 'board';
const REPOSITORY = path.resolve(import.meta.dirname, '../..');
const SHELL = path.join(REPOSITORY, 'dist/novaboot-shell');
const GUARD = path.join(import.meta.dirname, 'sshd-guard.sh');
const PROGRAMS = { sshd: 'openssh-server', ssh: 'openssh-client', rsync: 'rsync', unshare: 'util-linux' };
const TIMEOUT_MS = 50_000;
const DEFAULT_KEYS = {
  alice: 'command="user alice admin"',
  bob: 'command="user bob"',
  carol: 'command="user carol"',
  guest: '',
};

export interface LabOptions {
  /** The options of each user's line in authorized_keys. */
  readonly keys?: Readonly<Record<string, string>>;
  /** ~/.novaboot-shell */
  readonly config?: string;
  /** Further lines of sshd_config, before the others: the first one counts. */
  readonly sshdConfig?: string;
  /** Lines for /bin/sh, run as root in the lab's mount namespace before sshd starts; `$home`, `$uid`. */
  readonly setup?: string;
  /** Scripts that the account finds in /usr/local/bin, in place of what is there. */
  readonly programs?: Readonly<Record<string, string>>;
  /** Puts the home directory on a file system of its own. */
  readonly homeKibibytes?: number;
  /** The login shell, if not ours; may be one of `programs`. */
  readonly shell?: string;
}

export interface SshOptions {
  /** What the client reads; nothing (/dev/null) if left out. */
  readonly input?: string | Buffer;
  /** -tt */
  readonly tty?: boolean;
  /** Options of ssh(1), such as `-oSendEnv=X`. */
  readonly options?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** -S */
  readonly controlPath?: string;
  /** -M */
  readonly master?: boolean;
}

export interface SpawnOptions extends SshOptions {
  /** Runs the client in a terminal of this size. */
  readonly window?: { readonly rows: number; readonly columns: number };
}

export interface Result {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | undefined;
}

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  readonly command: string;
}

export interface Lab {
  readonly directory: string;
  readonly home: string;
  /** Before an absolute path of the lab: where root finds it, also what is mounted in the lab only. */
  readonly view: string;
  readonly port: number;
  readonly uid: number;
  /** The login shell. */
  readonly shell: string;
  /** Runs ssh to its end. `args` are the command; ssh itself would take `--no-wait` for its own without a `--`. */
  ssh(user: string, args: readonly string[], options?: SshOptions): Promise<Result>;
  /** Starts ssh; its standard input stays open. */
  spawnSsh(user: string, args: readonly string[], options?: SpawnOptions): Session;
  /** rsync as the client calls it: in the lab's directory, with the paths given. */
  rsync(user: string, args: readonly string[], options?: Pick<SshOptions, 'controlPath'>): Promise<Result>;
  /** The value of rsync's --rsh. */
  rsyncRsh(user: string, options?: Pick<SshOptions, 'controlPath'>): string;
  /** Runs a script of /bin/sh as the account, in its home directory, past sshd and novaboot-shell. */
  sh(script: string, input?: string | Buffer): Promise<string>;
  /** Runs a program as the account, in its home directory, with no more environment than HOME and the like. */
  runAs(argv: readonly string[], env?: Readonly<Record<string, string>>): Promise<Result>;
  /** Starts a program as the account, in its home directory. */
  spawnAs(argv: readonly string[], env?: Readonly<Record<string, string>>): Session;
  /** Runs a script of /bin/sh as root in the lab's namespace. */
  root(script: string, input?: string | Buffer): Promise<string>;
  /** Writes a file beneath the home directory, by default ~/.novaboot-shell. */
  writeConfig(text: string, file?: string): Promise<void>;
  read(file: string): Promise<string>;
  exists(file: string): Promise<boolean>;
  /** Every path beneath the home directory with type, mode and checksum: equal if nothing was changed. */
  snapshot(): Promise<string>;
  /** The public key of a new pair, which `ssh` then knows under this name. */
  addIdentity(user: string): Promise<string>;
  /** Who holds, and who waits for, the lock on the home directory; 0 is a process that is gone. */
  lockHolders(): Promise<{ readonly holders: readonly number[]; readonly waiters: readonly number[] }>;
  /** Processes of the account, other than sshd's own. */
  processes(): readonly Process[];
  signal(pid: number, signal: string): Promise<void>;
  log(): string;
  /** Ends all clients and all that runs for the account; between tests. */
  clean(): Promise<void>;
  /** Ends the lab: exactly the processes it started. */
  stop(): Promise<void>;
}

const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];

function checkPrograms(): void {
  const directories = `${process.env.PATH}:/usr/sbin:/sbin`.split(':');
  const missing = Object.entries(PROGRAMS).filter(
    ([name]) => !directories.some((directory) => fs.existsSync(path.join(directory, name))),
  );
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, debianPackage]) => debianPackage))].join(' ');
  throw new Error(`Missing programs; install them with: sudo apt-get install ${packages}`);
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function makeKey(file: string): Promise<string> {
  await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', path.basename(file), '-f', file]);
  return fs.readFileSync(`${file}.pub`, 'utf8');
}

/** The first choice of key exchange (sntrup761) takes longer than all else in a session, and is nothing that we test. */
function sshdConfig(directory: string, port: number, further: string): string {
  return `${further}
ListenAddress 127.0.0.1:${port}
HostKey ${directory}/host
PidFile none
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
KexAlgorithms curve25519-sha256
AcceptEnv LANG LC_*
PrintMotd no
MaxStartups 200
LogLevel VERBOSE
`;
}

async function writeFiles(directory: string, port: number, options: LabOptions): Promise<void> {
  const keys = Object.entries(options.keys ?? DEFAULT_KEYS);
  const users = keys.map(async ([user, keyOptions]) =>
    `${keyOptions} ${await makeKey(path.join(directory, user))}`.trimStart(),
  );
  const [lines] = await Promise.all([Promise.all(users), makeKey(path.join(directory, 'host'))]);
  const write = (name: string, text: string, mode = 0o644) =>
    fs.writeFileSync(path.join(directory, name), text, { mode });
  write('authorized_keys', lines.join(''));
  write('sshd_config', sshdConfig(directory, port, options.sshdConfig ?? ''));
  if (options.setup !== undefined) write('setup.sh', options.setup);
  if (options.programs) fs.mkdirSync(path.join(directory, 'programs'), { mode: 0o755 });
  for (const [name, script] of Object.entries(options.programs ?? {})) {
    write(`programs/${name}`, script, 0o755);
    fs.chmodSync(path.join(directory, `programs/${name}`), 0o755);
  }
}

/** Starts sshd. @returns the guard, whose standard input keeps it alive, and its pid */
async function startGuard(directory: string, port: number, options: LabOptions) {
  const shell = options.shell ?? SHELL;
  if (!fs.existsSync(SHELL)) throw new Error(`${SHELL} is missing; run: npm run build`);
  const words = [directory, REPOSITORY, ACCOUNT, String(port), shell, String(options.homeKibibytes ?? '')];
  const run = 'unshare --mount -- /bin/sh "$@"; status=$?; rm -rf -- "$2"; exit $status';
  const argv = [...asRoot, '/bin/sh', '-c', run, 'sh', GUARD, ...words];
  const guard = execa(argv[0] ?? '', argv.slice(1), {
    // Not in the terminal's process group, so that Ctrl-C leaves it the time to clean up.
    detached: true,
    cleanup: false,
    reject: false,
    stdin: 'pipe',
    buffer: { stdout: false },
  });
  const pid = await new Promise<number>((resolve, reject) => {
    let output = '';
    guard.stdout.on('data', (data) => {
      output += data;
      const [, ready] = /^ready (\d+)$/m.exec(output) ?? [];
      if (ready !== undefined) resolve(Number(ready));
    });
    guard.then(({ stderr }) => reject(new Error(`sshd did not start: ${stderr}`)), reject);
  });
  return { guard, pid };
}

function assignments(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value}`);
}

/** @param status the text of /proc/PID/status */
function field(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
}

function processesOf(uid: number): readonly Process[] {
  const found: Process[] = [];
  for (const name of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const status = fs.readFileSync(`/proc/${name}/status`, 'utf8');
      if (field(status, 'Uid') !== uid || /^State:\s+Z/m.test(status)) continue;
      const stat = fs.readFileSync(`/proc/${name}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const command = fs.readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      if (command.startsWith('sshd: ')) continue;
      found.push({ pid: Number(name), parent: Number(fields[1]), session: Number(fields[3]), command });
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

export async function startLab(options: LabOptions = {}): Promise<Lab> {
  checkPrograms();
  for (let attempt = 0; ; attempt++) {
    const port = await freePort();
    const directory = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'novaboot-'));
    try {
      await writeFiles(directory, port, options);
      const { guard, pid } = await startGuard(directory, port, options);
      const lab = makeLab(directory, port, pid, async () => {
        guard.stdin.end();
        await guard;
      });
      if (options.config !== undefined) await lab.writeConfig(options.config);
      return lab;
    } catch (error) {
      fs.rmSync(directory, { recursive: true, force: true });
      const isTaken = /Address already in use/.test((error as Error).message);
      if (!isTaken || attempt > 5) throw error;
    }
  }
}

function makeLab(directory: string, port: number, guard: number, endGuard: () => Promise<void>): Lab {
  const uid = port;
  const home = path.join(directory, 'home');
  const sessions = new Set<Session>();
  const baseEnv = {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    HOME: directory,
    TERM: 'xterm',
    LANG: 'C.UTF-8',
  };
  const enter = ['nsenter', '-t', String(guard), '-m', '--'];
  const become = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--reset-env', '--'];
  const rootArgv = (argv: readonly string[]) => [...asRoot, ...enter, ...argv];
  const accountArgv = (argv: readonly string[]) =>
    rootArgv(['setpriv', ...become, '/bin/sh', '-c', 'cd && exec "$@"', 'sh', ...argv]);

  function sshArgv(user: string, { tty, options = [], controlPath, master }: SshOptions): string[] {
    const clientOptions = [
      ...['-F', '/dev/null', '-p', String(port), '-i', path.join(directory, user)],
      ...['-oIdentitiesOnly=yes', '-oBatchMode=yes', '-oLogLevel=ERROR', '-oConnectTimeout=40'],
      ...['-oStrictHostKeyChecking=no', `-oUserKnownHostsFile=${directory}/known_hosts`],
      ...(tty === true ? ['-tt'] : []),
      ...(master === true ? ['-M'] : []),
      ...(controlPath === undefined ? [] : ['-S', controlPath]),
    ];
    return ['ssh', ...clientOptions, ...options];
  }

  function command(args: readonly string[]): string[] {
    return [`${ACCOUNT}@127.0.0.1`, ...(args.length > 0 ? ['--', ...args] : [])];
  }

  function started(session: Session): Session {
    sessions.add(session);
    return session;
  }

  async function check(argv: readonly string[], input: string | Buffer | undefined): Promise<string> {
    const { stdout } = await execa(argv[0] ?? '', argv.slice(1), {
      ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
      env: baseEnv,
      stripFinalNewline: false,
      timeout: TIMEOUT_MS,
    });
    return stdout;
  }

  async function client(argv: readonly string[], input?: string | Buffer, env = {}): Promise<Result> {
    const result = await execa(argv[0] ?? '', argv.slice(1), {
      ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
      cwd: directory,
      env: { ...baseEnv, ...env },
      extendEnv: false,
      reject: false,
      stripFinalNewline: false,
      timeout: TIMEOUT_MS,
    });
    if (result.timedOut) {
      const seen = `stdout ${JSON.stringify(result.stdout)}, stderr ${JSON.stringify(result.stderr)}`;
      throw new Error(`${argv.slice(-3).join(' ')} ran for ${TIMEOUT_MS} ms: ${seen}`);
    }
    const { stdout, stderr, exitCode } = result;
    return { stdout, stderr, exitCode };
  }

  const lab: Lab = {
    ...{ directory, home, view: `/proc/${guard}/root`, port, uid, shell: SHELL },
    ssh: (user, args, options = {}) =>
      client([...sshArgv(user, options), ...command(args)], options.input, options.env),
    spawnSsh(user, args, options = {}) {
      const argv = [...sshArgv(user, options), ...command(args)];
      const env = { ...baseEnv, ...options.env };
      if (!options.window) return started(new Session(argv, env));
      const { rows, columns } = options.window;
      const words = argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
      const script = `stty rows ${rows} cols ${columns}; exec ${words}`;
      return started(new Session(['script', '-qefc', script, '/dev/null'], env));
    },
    rsyncRsh: (user, options = {}) => sshArgv(user, options).join(' '),
    rsync: (user, args, options = {}) =>
      client(['rsync', `--rsh=${sshArgv(user, options).join(' ')}`, ...args]),
    sh: (script, input) => check(accountArgv(['/bin/sh', '-ec', script]), input),
    runAs: (argv, env = {}) => client(accountArgv(['env', ...assignments(env), ...argv])),
    spawnAs: (argv, env = {}) =>
      started(new Session(accountArgv(['env', ...assignments(env), ...argv]), baseEnv)),
    root: (script, input) => check(rootArgv(['/bin/sh', '-ec', script]), input),
    async writeConfig(text, file = '.novaboot-shell') {
      await lab.sh(`mkdir -p "$(dirname '${file}')"; cat >'${file}'`, text);
    },
    read: (file) => lab.sh(`cat -- '${file}'`),
    async exists(file) {
      return (await lab.sh(`if [ -e '${file}' ] || [ -L '${file}' ]; then echo yes; fi`)) !== '';
    },
    snapshot: () =>
      lab.root(`cd ${home}; find . ! -path './.local*' ! -path './.cache*' -printf '%p %y %m %U %l\\n' | sort
        find . -type f ! -path './.local*' ! -path './.cache*' -exec sha256sum {} + | sort`),
    addIdentity: (user) => makeKey(path.join(directory, user)),
    async lockHolders() {
      const inode = (await lab.root(`stat -c %i ${home}`)).trim();
      const holders: number[] = [];
      const waiters: number[] = [];
      for (const line of fs.readFileSync('/proc/locks', 'utf8').split('\n')) {
        const words = line.split(/\s+/);
        const isWaiter = words[1] === '->';
        const [type, , , pid, file] = words.slice(isWaiter ? 2 : 1);
        if (type === 'FLOCK' && file?.endsWith(`:${inode}`)) (isWaiter ? waiters : holders).push(Number(pid));
      }
      return { holders, waiters };
    },
    processes: () => processesOf(uid),
    async signal(pid, signal) {
      await check([...asRoot, 'kill', '-s', signal, String(pid)], undefined);
    },
    log: () => fs.readFileSync(path.join(directory, 'sshd.log'), 'utf8'),
    async clean() {
      for (const session of sessions) session.kill('SIGKILL');
      await Promise.all([...sessions].map((session) => session.exited));
      sessions.clear();
      await eventually('the end of all processes of the account', async () => {
        const running = processesOf(uid);
        await Promise.all(running.map(({ pid }) => lab.signal(pid, 'KILL').catch(() => {})));
        return running.length === 0;
      });
    },
    async stop() {
      for (const session of sessions) session.kill('SIGKILL');
      await Promise.all([...sessions].map((session) => session.exited));
      await endGuard();
    },
  };
  return lab;
}
