/** The root file systems of the user who calls, for the commands that work on them. */
import { type Roots, rootsOf } from '../rootfs/roots.ts';
import type { Session } from './command.ts';
import { CommandError, ExitCode } from './errors.ts';
import { type NfsConfig, readNfsConfig } from './nfs-config.ts';
import { type NfsPlace, nfsPlace } from './nfs-place.ts';

export interface OwnRoots {
  readonly user: string;
  readonly config: NfsConfig;
  readonly place: NfsPlace;
  readonly roots: Roots;
}

/**
 * @param command what is called, for messages
 * @throws CommandError for a key without a name (77), and where NFS is not enabled (69) or wrongly configured (78)
 */
export function ownRoots({ user, home }: Pick<Session, 'user' | 'home'>, command: string): OwnRoots {
  if (user === undefined) {
    throw new CommandError(`${command} needs a key with command="user NAME"`, ExitCode.notAllowed);
  }
  const config = readNfsConfig(home);
  if (config === undefined) {
    throw new CommandError('NFS is not enabled: there is no ~/.novaboot-nfs', ExitCode.notConfigured);
  }
  const place = nfsPlace(home, user);
  return { user, config, place, roots: rootsOf(place.base) };
}
