/** The user's NFS server as units of the account's own systemd (units/), which holds the socket. */
import { spawnSync } from 'node:child_process';
import { CommandError } from './errors.ts';
import type { Manager } from './nfs-manager.ts';
import { printable } from './text.ts';

const COMMAND_MS = 60_000;

function run({ runtimeDirectory }: Manager, file: string, args: readonly string[]) {
  return spawnSync(file, args, {
    env: { PATH: '/usr/bin:/bin', XDG_RUNTIME_DIR: runtimeDirectory },
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    timeout: COMMAND_MS,
  });
}

function systemctl(manager: Manager, ...args: readonly string[]) {
  return run(manager, 'systemctl', ['--user', '--no-ask-password', '--quiet', ...args]);
}

function property(manager: Manager, unit: string, name: string): string {
  return systemctl(manager, 'show', '--value', '-p', name, unit).stdout.trim();
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}

/** systemd.exec(5): statuses of steps that need a user namespace. */
const NAMESPACE_STATUSES = ['217', '226'];

/** Why a unit failed: what the server said last, or what the manager says of it; else how it ended. */
function reason(manager: Manager, unit: string): string {
  if (NAMESPACE_STATUSES.includes(property(manager, unit, 'ExecMainStatus'))) {
    return 'user namespaces are forbidden here: the administrator must mask namespaces.conf (novaboot-nfsd(1))';
  }
  const invocation = property(manager, unit, 'InvocationID');
  const journal = (...words: readonly string[]) =>
    lastLine(run(manager, 'journalctl', ['--user', '--quiet', '-o', 'cat', '-n', '1', ...words]).stdout);
  const said =
    lastLine(property(manager, unit, 'StatusText')) ||
    journal(`_SYSTEMD_INVOCATION_ID=${invocation}`).replace(/^novaboot-nfsd: /, '') ||
    journal('-p', 'err', `USER_INVOCATION_ID=${invocation}`);
  return printable(said) || `${unit}: ${property(manager, unit, 'Result')}; see journalctl --user -u ${unit}`;
}

function start(manager: Manager, unit: string, ...command: readonly string[]): void {
  systemctl(manager, 'reset-failed', unit);
  const { status, stderr } = systemctl(manager, ...command, unit);
  if (status === 0) return;
  const why = status === null ? lastLine(stderr) : reason(manager, unit);
  throw new CommandError(`The NFS server did not start: ${why}`);
}

export function isSocketActive(manager: Manager): boolean {
  return systemctl(manager, 'is-active', manager.socket).status === 0;
}

/** @returns whether the socket or the server was there */
export function stopUnits(manager: Manager): boolean {
  const active = systemctl(manager, 'is-active', manager.socket, manager.service).status === 0;
  systemctl(manager, 'disable', manager.socket);
  systemctl(manager, 'stop', manager.socket, manager.service);
  systemctl(manager, 'reset-failed', manager.socket, manager.service);
  return active;
}

/** The port is not served by a unit that cannot work. */
function startService(manager: Manager, command: 'start' | 'restart'): void {
  try {
    start(manager, manager.service, command);
  } catch (error) {
    stopUnits(manager);
    throw error;
  }
}

/** Opens the socket, also after the next boot, and starts the server, to hear at once if it cannot work. */
export function startUnits(manager: Manager): void {
  start(manager, manager.socket, 'enable', '--now');
  startService(manager, 'start');
}

/** The socket stays open meanwhile. */
export function restartService(manager: Manager): void {
  startService(manager, 'restart');
}
