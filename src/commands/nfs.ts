/** The caller's own NFS server: what it does, and its end and new start. */
import { limitsOf } from '../rootfs/quota.ts';
import { usage } from '../shell/arguments.ts';
import type { CommandTable, Session } from '../shell/command.ts';
import type { NfsConfig } from '../shell/nfs-config.ts';
import { userManager } from '../shell/nfs-manager.ts';
import { makeDirectories } from '../shell/nfs-place.ts';
import { lockHolder, servedPort } from '../shell/nfs-running.ts';
import { restartServer, type Server, stopServer } from '../shell/nfs-server.ts';
import type { NfsStatus } from '../shell/nfs-status.ts';
import { writeJson, writeOut } from '../shell/output.ts';
import { ownRoots } from '../shell/own-roots.ts';
import { quotaLine } from '../shell/quota-text.ts';
import { duration, printable, size, table } from '../shell/text.ts';

interface Context {
  readonly user: string;
  readonly server: Server;
  readonly config: NfsConfig;
}

function contextOf(session: Session): Context {
  const { user, config, place } = ownRoots(session, 'nfs');
  return { user, server: { home: session.home, place, manager: userManager(session, user) }, config };
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

/** Why calls are not answered now. */
function delays({ putOff, paused }: NfsStatus): string {
  const lines: string[] = [];
  if (putOff) {
    const who = putOff.holder === '?' ? 'a user without a name' : printable(putOff.holder);
    const since = localTime(putOff.since);
    lines.push(`Calls are put off since ${since}, for ${who} has the board: ${putOff.calls} so far.\n`);
  }
  if (paused) lines.push('Changes are put off while a root is saved.\n');
  return lines.join('');
}

/** Clients that run on roots that gave way to another one. */
function oldRoots({ replaced = [] }: NfsStatus): string {
  const used = replaced.filter(({ clients }) => clients.length > 0);
  return used
    .map(({ number, clients }) => `Replaced root @${number} is used by ${printable(clients.join(', '))}.\n`)
    .join('');
}

function describe(user: string, status: NfsStatus): string {
  const { clients, mounts, memory, uptimeSeconds, usage } = status;
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
    delays(status),
    oldRoots(status),
    `${owners}${status.landlock === 0 ? ' The kernel does not confine the server (no Landlock).' : ''}\n`,
    `Read ${size(status.bytesRead)}, written ${size(status.bytesWritten)}, memory ${size(memory.rss)}.\n`,
    usage ? quotaLine(usage.used, limitsOf(usage.limits.bytes ?? 0, usage.limits.files ?? 0)) : '',
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

export async function run(session: Session, args: readonly string[], commands: CommandTable): Promise<void> {
  const words = args.join(' ');
  if (!/^(status( --json)?|restart|stop)$/.test(words)) throw usage('nfs', commands);
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
