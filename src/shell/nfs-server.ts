/** Starts, restarts and stops a user's NFS server, by systemd where the account has it, else by ourselves. */
import fs from 'node:fs';
import { flock, LOCK_EX } from '../system/descriptors.ts';
import { CommandError, ExitCode } from './errors.ts';
import { findFreePort, isFree } from './free-port.ts';
import type { NfsConfig } from './nfs-config.ts';
import { endServer, startEmbedded } from './nfs-embedded.ts';
import type { Manager } from './nfs-manager.ts';
import { type NfsPlace, unitDirectory } from './nfs-place.ts';
import { rememberedPort, rememberPort, takenPorts } from './nfs-port.ts';
import { isOurs, servedPort } from './nfs-running.ts';
import { isSocketActive, restartService, startUnits, stopUnits } from './nfs-systemd.ts';

export interface Server {
  readonly home: string;
  readonly place: NfsPlace;
  readonly manager: Manager | undefined;
}

const ANSWER_MS = 10_000;
const LOOK_MS = 10;

/** What the home directory does not let us do, in one line. */
function explained(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof CommandError || code === undefined) return error;
  return new CommandError(`The NFS server did not start: ${message}`, ExitCode.failed, { cause: error });
}

/** Lets one process at a time do it; others wait. The lock ends with this process, at the latest. */
async function alone<T>(directory: string, action: () => Promise<T>): Promise<T> {
  let fd: number | undefined;
  try {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    fd = fs.openSync(directory, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
    flock(fd, LOCK_EX);
    return await action();
  } catch (error) {
    throw explained(error);
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/** The remembered port, or a new one, then remembered: two users of the account must not choose the same. */
function stablePort({ home, place }: Server): Promise<number> {
  return alone(unitDirectory(home), async () => {
    const remembered = rememberedPort(place);
    if (remembered !== undefined) return remembered;
    const port = await findFreePort(`${home} ${place.user}`, takenPorts(home));
    if (port === undefined) {
      throw new CommandError('No port is free for the NFS server: see ip_local_port_range in ip(7)');
    }
    rememberPort(place, port);
    return port;
  });
}

/** @throws CommandError for a port that somebody else has meanwhile */
async function usablePort(server: Server): Promise<number> {
  const port = await stablePort(server);
  if (isOurs(port) || (await isFree(port))) return port;
  const { dropInDirectory } = server.place;
  throw new CommandError(
    `The NFS server did not start: port ${port}: address in use; remove ${dropInDirectory} for another one`,
  );
}

async function untilServed({ place }: Server): Promise<number> {
  for (const end = Date.now() + ANSWER_MS; ; ) {
    const port = servedPort(place);
    if (port !== undefined) return port;
    if (Date.now() > end) throw new CommandError('The NFS server was started, but does not answer');
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function start(server: Server, config: NfsConfig): Promise<number> {
  const { place, manager, home } = server;
  if (config.allowed_clients === undefined) {
    throw new CommandError('allowed_clients is not set in ~/.novaboot-nfs', ExitCode.configuration);
  }
  const served = servedPort(place);
  // Another session was faster.
  if (served !== undefined) return served;
  const port = await usablePort(server);
  if (manager === undefined) startEmbedded(place, config, port, home);
  else startUnits(manager);
  return await untilServed(server);
}

/** @returns the port of the server, which answers. @throws CommandError that says why it does not */
export function startServer(server: Server, config: NfsConfig): Promise<number> {
  return alone(server.place.dropInDirectory, () => start(server, config));
}

/** @returns the port, which stays the same */
export function restartServer(server: Server, config: NfsConfig): Promise<number> {
  const { place, manager } = server;
  return alone(place.dropInDirectory, async () => {
    if (manager !== undefined && isSocketActive(manager)) {
      restartService(manager);
      return await untilServed(server);
    }
    await endServer(place);
    return await start(server, config);
  });
}

/** @returns whether it ran */
export async function stopServer({ place, manager }: Server): Promise<boolean> {
  if (!fs.existsSync(place.dropInDirectory)) return false;
  return await alone(place.dropInDirectory, async () => {
    const wasActive = manager !== undefined && stopUnits(manager);
    return (await endServer(place)) || wasActive;
  });
}
