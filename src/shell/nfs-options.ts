/** The lines of get-config that tell a board how to mount its root file system. */
import type { Session } from './command.ts';
import { CommandError, ExitCode } from './errors.ts';
import { knownNfsConfig } from './known-nfs-config.ts';
import type { NfsConfig } from './nfs-config.ts';
import { isLingering, userManager } from './nfs-manager.ts';
import { makeDirectories, nfsPlace } from './nfs-place.ts';
import { servedPort } from './nfs-running.ts';
import { writeError } from './output.ts';

/** The configured address, else the one that the client reached us by: SSH_CONNECTION's third word (ssh(1)). */
function serverAddress(config: NfsConfig, connection: string | undefined): string {
  const address = config.server_addr ?? connection?.split(' ')[2]?.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!address) {
    throw new CommandError(
      'server_addr is not set in ~/.novaboot-nfs, and there is no SSH_CONNECTION to tell it',
      ExitCode.configuration,
    );
  }
  // mount.nfs(8) wants brackets around what has colons of its own.
  return address.includes(':') ? `[${address}]` : address;
}

/**
 * Both lines, once the user's server answers. What runs already is only looked at, quickly.
 *
 * @throws CommandError that says what is wrong with the configuration, or why the server does not start
 */
export async function nfsOptions(session: Session, user: string): Promise<string> {
  const { home, env } = session;
  const config = await knownNfsConfig(home);
  const address = serverAddress(config, env.SSH_CONNECTION);
  const place = nfsPlace(home, user);
  makeDirectories(place);
  const manager = userManager(session, user);
  let port = servedPort(place);
  if (port === undefined) {
    const { startServer } = await import('./nfs-server.ts');
    port = await startServer({ home, place, manager }, config);
  }
  if (manager !== undefined && !isLingering()) {
    writeError(
      'novaboot-shell: The NFS server ends soon after your last session: see "loginctl enable-linger"\n',
    );
  }
  const options = [`v3,tcp,port=${port},mountport=${port}`, config.mount_options];
  return `--nfsroot=${address}:${place.exported}\n--nfsopts=${options.filter(Boolean).join(',')}\n`;
}
