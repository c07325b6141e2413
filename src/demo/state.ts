/** The state directory: keys, the client's configuration and the board account's home, made where missing. */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addUserKey } from '../shell/authorized-keys.ts';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { openPrivate } from './private-directory.ts';
import { ACCOUNT } from './ssh/connection.ts';

/** The users that the demo begins with, each with a key and a name for ssh. The first is the administrator. */
export const DEMO_USERS = ['alice', 'bob'] as const;
const HOST_KEY_ALIAS = 'novaboot-demo';

export interface State {
  readonly directory: string;
  readonly home: string;
  readonly hostKeyFile: string;
  /** For `ssh -F`. */
  readonly sshConfig: string;
  /** The directory, open; its lock says that a demo uses it. */
  readonly descriptor: number;
  /** Lets another demo have the directory. */
  release(): void;
}

/** What the login shell is told of the board. */
interface BoardSettings {
  /** The program and arguments before `board COMMAND STATE`. */
  readonly program: readonly string[];
  /** The novaboot client's options for the board. */
  readonly targetConfig: readonly string[];
}

/** A word for /bin/sh, quoted if it has to be. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_.,:/@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** An assignment in single quotes where possible, since those need no shell to be understood. */
function assignment(name: string, value: string): string {
  const quoted = value.includes("'") ? `"${value.replace(/[\\"$`]/g, '\\$&')}"` : `'${value}'`;
  return `${name}=${quoted}\n`;
}

/** Makes the key pair unless it is there. One in 200 that ssh2 makes cannot be read by OpenSSH. Returns `TYPE BASE64`. */
function keyPair(file: string, comment: string): string {
  if (!existsSync(file) || !existsSync(`${file}.pub`)) {
    for (const half of [file, `${file}.pub`]) rmSync(half, { force: true });
    const options = ['-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', file];
    const { status } = spawnSync('ssh-keygen', options, { stdio: ['ignore', 'ignore', 'inherit'] });
    if (status !== 0)
      throw new CommandError('Cannot make a key: ssh-keygen failed or is missing', ExitCode.failed);
  }
  return readFileSync(`${file}.pub`, 'utf8').trim().split(' ').slice(0, 2).join(' ');
}

const GENERATED = '# Written by novaboot-demo at each start. Without this line it stays as you change it.\n';

function writeGenerated(file: string, text: string): void {
  if (existsSync(file) && !readFileSync(file, 'utf8').startsWith(GENERATED)) return;
  writeFileSync(file, GENERATED + text, { mode: 0o600 });
}

/** A kernel in QEMU's user network has this machine's loopback at 10.0.2.2, and comes from 127.0.0.1. */
const NFS_CONFIGURATION = `allowed_clients=127.0.0.1
server_addr=10.0.2.2
mount_options=rsize=1048576,wsize=1048576
`;

function authorizedKeys(keys: readonly string[]): Buffer {
  return DEMO_USERS.reduce<Buffer>((file, user, index) => {
    const [type = '', blob = ''] = keys[index]?.split(' ') ?? [];
    const key = { type, blob, comment: `${user}@novaboot-demo` };
    return addUserKey(file, { user, admin: index === 0, key }).file;
  }, Buffer.alloc(0));
}

/** A file name in ssh_config(5): quoted, and % is special. */
function sshPath(file: string): string {
  return `"${file.replaceAll('%', '%%')}"`;
}

/** The client's side, known once the port is. No prompt, no key or file of the user's own. */
export function writeSshConfig(state: State, port: number): void {
  const knownHosts = join(state.directory, 'known_hosts');
  const hosts = DEMO_USERS.map((user) =>
    [
      `Host ${user}`,
      '  HostName 127.0.0.1',
      `  Port ${port}`,
      `  User ${ACCOUNT}`,
      `  IdentityFile ${sshPath(join(state.directory, user))}`,
      '  IdentitiesOnly yes',
      '  IdentityAgent none',
      `  HostKeyAlias ${HOST_KEY_ALIAS}`,
      `  UserKnownHostsFile ${sshPath(knownHosts)}`,
      '  GlobalKnownHostsFile none',
      '  StrictHostKeyChecking yes',
      '  UpdateHostKeys no',
      '',
    ].join('\n'),
  );
  writeFileSync(state.sshConfig, hosts.join('\n'), { mode: 0o600 });
}

/** Where the TFTP server notes what the board asks for. */
export function tftpJournals({ directory }: Pick<State, 'directory'>): string {
  return join(directory, 'tftp-journals');
}

/** The configuration of the board account, known once the board is. */
export function writeBoardConfiguration(state: State, { program, targetConfig }: BoardSettings): void {
  const command = (name: string) => [...program, 'board', name, state.directory].map(shellWord).join(' ');
  const lines = [
    ...['console', 'reset', 'on', 'off'].map((name) => assignment(`${name}_cmd`, command(name))),
    assignment('target_config', targetConfig.join('\n')),
    assignment('console_log', 'yes'),
    assignment('tftp_journal', join(tftpJournals(state), `${ACCOUNT}.journal`)),
  ];
  writeGenerated(join(state.home, '.novaboot-shell'), lines.join(''));
  writeGenerated(join(state.home, '.novaboot-nfs'), NFS_CONFIGURATION);
}

function fill(directory: string): Omit<State, 'descriptor' | 'release'> {
  const home = join(directory, 'home');
  const ssh = join(home, '.ssh');
  for (const path of [home, ssh, join(home, 'tftproot'), tftpJournals({ directory })]) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  }
  const hostKeyFile = join(directory, 'host_key');
  const hostKey = keyPair(hostKeyFile, HOST_KEY_ALIAS);
  writeFileSync(join(directory, 'known_hosts'), `${HOST_KEY_ALIAS} ${hostKey}\n`);
  const userKeys = DEMO_USERS.map((user) => keyPair(join(directory, user), `${user}@novaboot-demo`));
  const authorized = join(ssh, 'authorized_keys');
  // Not renewed: remove-key is to last.
  if (!existsSync(authorized)) writeFileSync(authorized, authorizedKeys(userKeys), { mode: 0o600 });
  // What a killed ssh of an earlier demo has left would keep the next one from sharing its connection.
  rmSync(join(directory, 'ctl'), { force: true });
  return { directory, home, hostKeyFile, sshConfig: join(directory, 'ssh_config') };
}

export function openState(directory: string): State {
  if (/["\n]/.test(directory)) throw new CommandError('--state: ssh cannot use such a path', ExitCode.usage);
  let descriptor: number | undefined;
  try {
    const fd = openPrivate(directory, 'another demo is using it, give --state DIR');
    descriptor = fd;
    return { ...fill(directory), descriptor, release: () => closeSync(fd) };
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    if (error instanceof CommandError) throw error;
    throw new CommandError(`cannot use the state directory: ${(error as Error).message}`, ExitCode.failed, {
      cause: error,
    });
  }
}
