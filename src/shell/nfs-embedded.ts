/** Starts and ends the NFS server without systemd: a process of its own, that outlives the session. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { closeOnExec } from '../system/descriptors.ts';
import { CommandError } from './errors.ts';
import { type NfsConfig, SWITCHES } from './nfs-config.ts';
import { type NfsPlace, nfsPlace, nfsUsers } from './nfs-place.ts';
import { lockHolder } from './nfs-running.ts';
import { writeError } from './output.ts';
import { printable } from './text.ts';

/** A longer log starts anew with the server. */
const MAX_LOG_BYTES = 1024 * 1024;
const START_MS = 30_000;
const STOP_MS = 15_000;
const LOOK_MS = 10;
/** novaboot-nfsd: another one serves already. */
const ALREADY_RUNNING = 75;

/** Beside the running program; from the sources, the built one. */
export function serverProgram(): string {
  const script = fs.realpathSync(process.argv[1] ?? '');
  const directory = path.dirname(script);
  return path.join(script.endsWith('.ts') ? path.join(directory, '../dist') : directory, 'novaboot-nfsd');
}

function limitLog(file: string): void {
  if ((fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0) > MAX_LOG_BYTES) fs.truncateSync(file);
}

/** What the server says while it starts: warnings, and last why it does not. */
function wordsOf(stderr: string): string[] {
  const lines = stderr.split('\n').filter((line) => line !== '');
  return lines.map((line) => printable(line.replace(/^novaboot-nfsd: /, '')));
}

/**
 * Returns once the server answers; one that runs already is as good.
 *
 * @throws CommandError with what the server says
 */
export function startEmbedded(place: NfsPlace, config: NfsConfig, port: number, home: string): void {
  limitLog(place.logFile);
  const clients = config.allowed_clients ?? [];
  const args = [
    ...['--allow', clients.join(' '), '--base', place.base, '--port', String(port)],
    ...['--board', home, '--user', place.user],
    ...['--quota', String(config.quota ?? 0), '--max-files', String(config.max_files ?? 0)],
    ...SWITCHES.flatMap((name) => (config[name] === undefined ? [] : [`--${name}`, config[name]])),
    ...['--port-file', place.portFile, '--log', place.logFile, place.exported],
  ];
  // Neither the session's descriptors nor the board's lock.
  closeOnExec(3);
  const program = serverProgram();
  const { status, signal, stderr, error } = spawnSync(program, args, {
    cwd: '/',
    env: { HOME: home, PATH: '/usr/bin:/bin' },
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    timeout: START_MS,
  });
  if (status === ALREADY_RUNNING) return;
  const words = wordsOf(stderr ?? '');
  if (status === 0) {
    for (const line of words) writeError(`novaboot-shell: The NFS server says: ${line}\n`);
    return;
  }
  const reason = error?.message ?? words.at(-1) ?? `it ended with ${signal ?? `status ${status}`}`;
  throw new CommandError(`The NFS server did not start: ${reason}`, undefined, { cause: error });
}

/** Ends the server, however it was started, and waits for that. @returns whether there was one */
export async function endServer(place: NfsPlace): Promise<boolean> {
  const pid = lockHolder(place);
  if (pid === undefined) return false;
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // It has ended by itself.
  }
  for (const end = Date.now() + STOP_MS; lockHolder(place) === pid; ) {
    if (Date.now() > end) throw new CommandError(`The NFS server (process ${pid}) does not end`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return true;
}

/** Ends the servers of all users of the account. */
export async function endServers(home: string): Promise<void> {
  const places = nfsUsers(home).map((user) => nfsPlace(home, user));
  await Promise.all(places.map(endServer));
}
