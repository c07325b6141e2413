/** The life of the server: lock, listen, tell that it answers, signals, the end. */
import fs from 'node:fs';
import { isatty } from 'node:tty';
import { isLimited, limitsOf } from '../rootfs/quota.ts';
import { idsOf } from '../rootfs/unattributed.ts';
import { UsageFile, usageInMemory } from '../rootfs/usage-file.ts';
import { passOn } from '../system/descriptors.ts';
import { type Log, oneLine, openLog, writeLine } from '../system/log.ts';
import { notifier, type PassedSocket, passedSockets } from '../system/notify.ts';
import { ExitCode, StartError } from '../system/start-error.ts';
import { BootJournal } from './boots/journal.ts';
import { type Clients, openClients } from './clients.ts';
import { READY } from './detach.ts';
import { filesOf, type StateFiles } from './files.ts';
import { Gate } from './gate.ts';
import { keepHeapSmall } from './heap.ts';
import { lockInstance } from './instance-lock.ts';
import { openLease } from './lease.ts';
import type { Options } from './options.ts';
import { Pause } from './pause.ts';
import { removePortFile, writePortFile } from './port-file.ts';
import { MountList } from './procedures/mount-list.ts';
import type { Context } from './procedures/procedure.ts';
import { programs } from './procedures/programs.ts';
import { openRoots } from './roots/replaced.ts';
import { type Server, startServer } from './server.ts';
import type { Serve } from './stage.ts';
import { writeStatusFile } from './status-file.ts';
import { answerStatusRequests } from './status-requests.ts';
import type { QuotaOptions } from './vfs/quota.ts';
import { Vfs } from './vfs/vfs.ts';

const PROGRAM = 'novaboot-nfsd';

/** How long the start waits for host names: the board may well come later. */
const NAMES_MS = 1000;
const IDLE_LOOKS = 4;
const MAX_IDLE_LOOK_MS = 30_000;

/** Warnings of the start go to who waits for it as well. */
function startLog({ options }: Serve, starting: () => boolean): Log {
  if (options.foreground) return openLog(PROGRAM, isatty(2) ? 'terminal' : 'journal');
  const file = openLog(PROGRAM, 'file');
  const waiting = openLog(PROGRAM, 'terminal', 1);
  return (priority, message) => {
    file(priority, message);
    if (starting() && (priority === 'warning' || priority === 'error')) waiting(priority, message);
  };
}

/** Without a quota nothing is counted, and what was once is soon wrong. */
function quotaOf(options: Options, file: string | undefined): QuotaOptions | undefined {
  const limits = limitsOf(options.quota, options['max-files']);
  if (isLimited(limits)) return { limits, usage: file === undefined ? usageInMemory() : new UsageFile(file) };
  if (file !== undefined) fs.rmSync(file, { force: true });
  return undefined;
}

function openVfs({ options, unattributed }: Serve, files: StateFiles | undefined): Vfs {
  const { exportPath, base, ownership, sync } = options;
  try {
    const quota = quotaOf(options, files?.usage);
    return Vfs.open({ exportPath, base, ownership, sync, quota, unattributed: idsOf(unattributed) });
  } catch (error) {
    throw new StartError((error as Error).message, ExitCode.configuration, { cause: error });
  }
}

const LISTEN_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another program',
  EACCES: 'may be used by root only',
};

async function listen(
  { options }: Serve,
  sockets: readonly PassedSocket[],
  parts: Pick<Context, 'vfs' | 'mounts' | 'gate' | 'uses'> & {
    boots: BootJournal | undefined;
    clients: Clients;
    log: Log;
  },
): Promise<Server> {
  const { vfs, mounts, gate, uses, boots, clients, log } = parts;
  const { allow: allowed, port } = options;
  const fds = (type: PassedSocket['type']) =>
    sockets.filter((socket) => socket.type === type).map(({ fd }) => fd);
  try {
    return await startServer<Context>({
      port,
      ...(sockets.length > 0 && { descriptors: { tcp: fds('tcp'), udp: fds('udp') } }),
      programs,
      contextOf: (credentials, peer) => ({
        ...{ vfs, mounts, gate, allowed, credentials, peer, ...(uses && { uses }), ...(boots && { boots }) },
        client: peer.address,
        transport: peer.transport,
      }),
      admit: (address, remotePort) => clients.admits(address, remotePort),
      log,
      mismatch: (address, program, version) => boots?.mismatch(address, program, version),
    });
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new StartError(
      `port ${port} ${LISTEN_ERRORS[code] ?? `cannot be used: ${message}`}`,
      ExitCode.failed,
      {
        cause: error,
      },
    );
  }
}

/** stdout ends for whoever reads it, and its number is not given to another file. */
function closeStdout(): void {
  const nothing = fs.openSync('/dev/null', 'r+');
  passOn(nothing, 1);
  fs.closeSync(nothing);
}

/** Resolves when there was neither connection nor call for so long. */
function whenIdle(server: Server, idleMs: number): Promise<void> {
  return new Promise((resolve) => {
    const { statistics } = server;
    const look = setInterval(
      () => {
        if (statistics.connections > 0 || performance.now() - statistics.lastActiveAt < idleMs) return;
        clearInterval(look);
        resolve();
      },
      Math.min(idleMs / IDLE_LOOKS, MAX_IDLE_LOOK_MS),
    );
    look.unref();
  });
}

function whenSignalled(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal));
  });
}

/** A bug in one call must not end the others' service. */
function surviveBugs(log: Log): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log('error', `internal error: ${error instanceof Error ? error.stack : String(error)}`);
    });
  }
}

/**
 * Serves until a signal or, started by a socket unit, until nobody needs it.
 *
 * @throws StartError
 */
export async function serve(stage: Serve): Promise<void> {
  const { options } = stage;
  let starting = true;
  const log = startLog(stage, () => starting);
  const signalled = whenSignalled();
  const notify = notifier(process.env.NOTIFY_SOCKET);
  const sockets = passedSockets(process.env);
  const isActivated = sockets.length > 0;
  const files = filesOf(options.portFile);
  // The port file of a socket unit is the unit's: its port answers also while no server runs.
  const portFile = isActivated ? undefined : files?.ports;
  if (files) lockInstance(files.lock);
  // What a killed server left behind must not look as if it were ours.
  if (portFile !== undefined) removePortFile(portFile);
  if (stage.landlock === 0) log('warning', 'this kernel lacks Landlock: the server is not confined');

  const vfs = openVfs(stage, files);
  const mounts = new MountList();
  const gate = new Gate();
  const lease = await openLease(stage, gate, log);
  const holder = () => lease?.holder?.user;
  const boots = files && new BootJournal({ file: files.journal, vfs, log, holder });
  const refused = (address: string, why: string) => boots?.refused(address, why);
  const clients = openClients({ allow: options.allow, secure: options.secure, log, refused });
  await Promise.race([clients.ready, new Promise((resolve) => setTimeout(resolve, NAMES_MS).unref())]);
  const pause = files && new Pause(files.pause, gate, log);
  void pause?.look();
  const roots = files && openRoots({ ...options, file: files.mounts, vfs, gate, log });
  const uses = roots && { uses: roots.use };
  const server = await listen(stage, sockets, { vfs, mounts, gate, ...uses, boots, clients, log });
  const { port, statistics } = server;
  const startedAt = new Date();
  answerStatusRequests({
    file: files?.status,
    log,
    look: () => {
      roots?.replaced.look();
      vfs.usageChanged();
      return pause?.look();
    },
    write: (file) =>
      writeStatusFile(file, {
        ...{ stage, port, startedAt, statistics, mounts: mounts.all() },
        ...{ holder: lease?.holder, putOff: gate.putOff, paused: pause?.isOn === true },
        ...{ replaced: roots?.replaced.list() ?? [], usage: vfs.usage() },
      }),
  });

  if (portFile !== undefined) writePortFile(portFile, port);
  const serving = oneLine(`${options.exportPath} on port ${port}`);
  log('info', `serving ${serving}`);
  notify(`READY=1\nSTATUS=Serving ${serving}`);
  writeLine(1, `${READY}${serving}`);
  closeStdout();
  starting = false;
  surviveBugs(log);
  keepHeapSmall();

  const idle = isActivated && options.idle > 0 ? whenIdle(server, options.idle * 1000) : undefined;
  const reason = await Promise.race([signalled, ...(idle ? [idle.then(() => 'nobody needs it')] : [])]);
  notify('STOPPING=1');
  log('info', `ending: ${reason}`);
  if (portFile !== undefined) removePortFile(portFile);
  clients.close();
  lease?.close();
  boots?.close();
  roots?.replaced.close();
  await server.close();
  roots?.use.close();
  if (files) fs.rmSync(files.status, { force: true });
  vfs.close();
}
