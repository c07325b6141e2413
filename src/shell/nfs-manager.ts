/** Whether the account has a systemd of its own that knows the units of the NFS server (units/). Told without running anything. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Session } from './command.ts';
import { unitDirectory } from './nfs-place.ts';

/** Where units for all user managers lie (systemd.unit(5)). */
const UNIT_DIRECTORIES = [
  '/etc/systemd/user',
  '/run/systemd/user',
  '/usr/local/lib/systemd/user',
  '/usr/lib/systemd/user',
];

/** The account's user manager. */
export interface Manager {
  readonly runtimeDirectory: string;
  /** The units, by their names. */
  readonly socket: string;
  readonly service: string;
}

function hasUnits(home: string): boolean {
  return ['socket', 'service'].every((kind) =>
    [unitDirectory(home), ...UNIT_DIRECTORIES].some((directory) =>
      fs.existsSync(path.join(directory, `novaboot-nfsd@.${kind}`)),
    ),
  );
}

/** `%h` in the units is the home directory of the account, which a demo's is not. */
function isAccountHome(home: string): boolean {
  try {
    return fs.realpathSync(os.userInfo().homedir) === fs.realpathSync(home);
  } catch {
    return false;
  }
}

/** undefined where no user manager runs, or the units are not installed, or the user's name cannot be in theirs. */
export function userManager({ home, env }: Session, user: string): Manager | undefined {
  if (!/^[A-Za-z0-9_.@-]+$/.test(user) || !hasUnits(home)) return undefined;
  const runtimeDirectory = env.XDG_RUNTIME_DIR ?? `/run/user/${process.getuid?.()}`;
  if (!fs.existsSync(path.join(runtimeDirectory, 'systemd/private')) || !isAccountHome(home))
    return undefined;
  const name = `novaboot-nfsd@${user}`;
  return { runtimeDirectory, socket: `${name}.socket`, service: `${name}.service` };
}

/** Without lingering the manager ends soon after the last session, and the server with it. */
export function isLingering(): boolean {
  return fs.existsSync(path.join('/var/lib/systemd/linger', os.userInfo().username));
}
