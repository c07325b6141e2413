/**
 * Root file systems, and archives of them, up to ~/nfsroot/USER and down again, with owners and special files as
 * rsync's --fake-super keeps them. Symbolic links are stored as files; real ones are never followed.
 */
import { lockRoots } from '../rootfs/lock.ts';
import { REPLACED } from '../rootfs/roots.ts';
import { findUnattributed, type Unattributed } from '../rootfs/unattributed.ts';
import { openTree } from '../shell/board-tree.ts';
import type { LockedCommand } from '../shell/command.ts';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { makeDirectories } from '../shell/nfs-place.ts';
import { ownRoots } from '../shell/own-roots.ts';
import { NFSROOT_PROFILE, parseRsync, type RsyncRequest } from '../shell/rsync-options.ts';
import { deletes, HOST, type Host, rsyncServer, type Service } from '../shell/rsync-server.ts';
import { startUploadWatch } from '../shell/upload-watch.ts';

const options = () => ['--fake-super'];

/**
 * In a user namespace that maps the account to root, rsync notes down every other owner, the account's own included;
 * where such are forbidden, every owner but the account. unshare(1) writes the map, then becomes rsync.
 */
function serviceFor(unattributed: Unattributed, access: Service['access'] = 'write'): Service {
  if (unattributed === 'account') return { options, access };
  const rules = [{ path: `/proc/${process.pid}`, access: 'files' }] as const;
  return { options, access, rules, launcher: ['/usr/bin/unshare', '--map-root-user', '--'] };
}

function refused(what: string): CommandError {
  return new CommandError(`rsync: ${what}`, ExitCode.notAllowed);
}

/** The first directory of an upload's path; undefined for the upload directory itself. */
function topOf({ paths }: RsyncRequest): string | undefined {
  return (paths[0] ?? '').split('/').find((name) => name !== '' && name !== '.');
}

/** What lies beside `root` is not the client's to overwrite or to delete. */
function checkDestination(request: RsyncRequest): void {
  if (request.sender) return;
  const top = topOf(request);
  if (top === REPLACED) throw refused(`${REPLACED} holds replaced roots; uploads to it are refused`);
  if (top === undefined && (deletes(request) || request.names.has('force'))) {
    throw refused('deleting in . would remove root; use it with board:root/ or another directory');
  }
}

/** @param unattributed whose the files without an attribute are here */
export function rsyncNfsrootCommand(host: Host, unattributed = findUnattributed): LockedCommand {
  return {
    binary: true,
    alone: true,
    prepare(session, words) {
      const request = parseRsync(words, NFSROOT_PROFILE);
      const own = ownRoots(session, 'rsync-nfsroot');
      checkDestination(request);
      return () => {
        makeDirectories(own.place);
        const lock = lockRoots(own.roots, 'shared');
        const tree = openTree(session.home, `nfsroot/${own.user}`);
        const changes = !request.sender && !request.names.has('n');
        const watch = changes ? startUploadWatch(session, own) : [];
        // A file that is called root must not take the place of the directory.
        const service = serviceFor(unattributed(), topOf(request) === undefined ? 'add' : 'write');
        const program = rsyncServer(host, tree, request, service, session.env);
        return { ...program, descriptors: [lock, ...watch] };
      };
    },
  };
}

export const rsyncNfsroot = rsyncNfsrootCommand(HOST);
