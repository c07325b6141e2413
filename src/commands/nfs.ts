/** The caller's own NFS server: what it does, and its end and new start. */
import type { Session } from '../shell/command.ts';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { type NfsConfig, readNfsConfig } from '../shell/nfs-config.ts';
import { userManager } from '../shell/nfs-manager.ts';
import { makeDirectories, nfsPlace } from '../shell/nfs-place.ts';
import { lockHolder, servedPort } from '../shell/nfs-running.ts';
import { restartServer, type Server, stopServer } from '../shell/nfs-server.ts';
import type { NfsStatus } from '../shell/nfs-status.ts';
import { writeJson, writeOut } from '../shell/output.ts';
import { duration, printable, table } from '../shell/text.ts';

interface Context {
  readonly user: string;
  readonly server: Server;
  readonly config: NfsConfig;
}

function contextOf(session: Session): Context {
  const { user, home } = session;
  if (user === undefined) {
    throw new CommandError('nfs needs a key with command="user NAME"', ExitCode.notAllowed);
  }
  const config = readNfsConfig(home);
  if (config === undefined) {
    throw new CommandError('NFS is not enabled: there is no ~/.novaboot-nfs', ExitCode.notConfigured);
  }
  const server = { home, place: nfsPlace(home, user), manager: userManager(session, user) };
  return { user, server, config };
}

/** 1500000 as "1.5 MB". */
function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(Math.max(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), 0), units.length - 1);
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

function localTime(time: string | null): string {
  return time === null ? '-' : new Date(time).toLocaleString('sv-SE');
}

function list(title: string, counts: Readonly<Record<string, number>>): string {
  const most = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a);
  if (most.length === 0) return '';
  return `${title}: ${most.map(([name, count]) => `${printable(name)} ${count}`).join(', ')}.\n`;
}

function describe(user: string, status: NfsStatus): string {
  const { clients, mounts, memory, uptimeSeconds } = status;
  const owners =
    status.ownership === 'plain'
      ? 'Owners and modes are not kept (plain).'
      : `Files without a stored owner are ${status.unattributed === 'root' ? "root's" : "the account's"}.`;
  const clientRows = clients.map(({ address, connections, calls, lastCallAt }) => [
    ...[printable(address), String(connections), String(calls)],
    localTime(lastCallAt),
  ]);
  const mountRows = mounts.map(({ address, directory, since }) => [
    ...[printable(address), localTime(since)],
    printable(directory),
  ]);
  return [
    `The NFS server of ${user} serves ${printable(status.export)}\n`,
    `on port ${status.port} since ${localTime(status.startedAt)} (${duration(uptimeSeconds)}), process ${status.pid}.\n`,
    `${owners}${status.landlock === 0 ? ' The kernel does not confine the server (no Landlock).' : ''}\n`,
    `Read ${size(status.bytesRead)}, written ${size(status.bytesWritten)}, memory ${size(memory.rss)}.\n`,
    list('Operations', status.operations),
    list('Errors', status.errors),
    list('Others', { 'bad calls': status.rpcErrors, 'repeated replies': status.duplicateReplies }),
    clients.length === 0 ? 'No clients.\n' : '',
    clients.length === 0
      ? ''
      : `\n${table([['CLIENT', 'CONNECTIONS', 'CALLS', 'LAST_CALL'], ...clientRows])}`,
    mounts.length === 0 ? '' : `\n${table([['MOUNTED_BY', 'SINCE', 'DIRECTORY'], ...mountRows])}`,
  ].join('');
}

async function showStatus({ user, server: { place } }: Context, json: boolean): Promise<void> {
  const pid = lockHolder(place);
  if (pid !== undefined) {
    const { askServer } = await import('../shell/nfs-status.ts');
    const status = await askServer(place, pid);
    if (json) writeJson({ state: 'running', ...status });
    else writeOut(describe(user, status));
    return;
  }
  const port = servedPort(place);
  if (json) writeJson({ state: port === undefined ? 'stopped' : 'idle', port: port ?? null });
  else if (port === undefined) writeOut(`The NFS server of ${user} is stopped; get-config starts it.\n`);
  else writeOut(`The NFS server of ${user} idles: the next connection to port ${port} starts it.\n`);
}

export async function run(session: Session, args: readonly string[]): Promise<void> {
  const words = args.join(' ');
  if (!/^(status( --json)?|restart|stop)$/.test(words)) {
    throw new CommandError('Usage: nfs status [--json], nfs restart, nfs stop', ExitCode.usage);
  }
  const context = contextOf(session);
  const { user, server, config } = context;
  if (words === 'stop') {
    const wasThere = await stopServer(server);
    writeOut(`The NFS server of ${user} ${wasThere ? 'is stopped' : 'was not running'}.\n`);
  } else if (words === 'restart') {
    makeDirectories(server.place);
    writeOut(`The NFS server of ${user} answers on port ${await restartServer(server, config)}.\n`);
  } else {
    await showStatus(context, words.endsWith('--json'));
  }
}
