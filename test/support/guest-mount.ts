/** A server, and a guest that has its export mounted on /mnt with the options that get-config prints. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import type { GuestOptions } from './guest-image.ts';
import { type NfsServer, type NfsServerOptions, startNfsServer } from './nfs-server.ts';
import { bootGuest, type Guest } from './qemu.ts';

export interface NfsLab {
  readonly server: NfsServer;
  readonly guest: Guest;
  /** Mounts the export anew: nothing of it is in the guest's memory any more. */
  remount(): Promise<void>;
  stop(): Promise<void>;
}

/** What get-config prints as --nfsopts, with the mount options that new accounts get. */
export function mountOptions(port: number): string {
  return `v3,tcp,port=${port},mountport=${port},rsize=1048576,wsize=1048576`;
}

/** A script for the guest. `nolock` is what the kernel's own nfsroot adds: there is no lock manager. */
export function mountScript({ port, exportPath }: NfsServer): string {
  return `mount -t nfs -o nolock,${mountOptions(port)} 10.0.2.2:${exportPath} /mnt`;
}

export async function startNfsLab(
  serverOptions: NfsServerOptions = {},
  guestOptions: GuestOptions = {},
): Promise<NfsLab> {
  const server = await startNfsServer(serverOptions);
  let guest: Guest | undefined;
  try {
    guest = await bootGuest(guestOptions);
    await guest.sh(mountScript(server));
  } catch (error) {
    await guest?.stop();
    const log = server.log();
    await server.stop();
    throw new Error(`No guest with a mounted export; the server said: ${log}`, { cause: error });
  }
  const { sh, stop } = guest;
  return {
    server,
    guest,
    async remount() {
      await sh(`cd /; umount /mnt; ${mountScript(server)}`);
    },
    async stop() {
      await stop();
      await server.stop();
    },
  };
}

/** The ownership that the server stored with a file: `OCTAL_MODE MAJOR,MINOR UID:GID`, rsync's form. */
export function storedOwnership({ exportPath }: NfsServer, name: string): string {
  const file = path.join(exportPath, name);
  const argv = ['-h', '--absolute-names', '--only-values', '-n', 'user.rsync.%stat', file];
  return execFileSync('getfattr', argv, { encoding: 'utf8' }).replace(/\0$/, '');
}
