/** Upload to ~/tftproot, and download from it. */
import { openTree } from '../shell/board-tree.ts';
import type { LockedCommand } from '../shell/command.ts';
import { writeError } from '../shell/output.ts';
import { parseRsync, type RsyncRequest, TFTP_PROFILE } from '../shell/rsync-options.ts';
import { HOST, type Host, rsyncServer } from '../shell/rsync-server.ts';

const NO_LINKS =
  "novaboot-shell: rsync: symbolic links are left out: the server's rsync is older than 3.5.0; -L sends what they lead to\n";

/** Links are real ones here: none that leads out, and of an rsync that would follow it, none at all. */
function linkFences({ sender, names }: RsyncRequest, isModern: boolean): string[] {
  if (sender) return [];
  if (isModern) return ['--safe-links'];
  // rsync itself says nothing of them.
  if (names.has('l')) writeError(NO_LINKS);
  return ['--safe-links', '--munge-links'];
}

export function rsyncCommand(host: Host): LockedCommand {
  return {
    binary: true,
    prepare({ home, env }, words) {
      const request = parseRsync(words, TFTP_PROFILE);
      const options = (isModern: boolean) => linkFences(request, isModern);
      return () => rsyncServer(host, openTree(home, 'tftproot'), request, { options }, env);
    },
  };
}

export const rsync = rsyncCommand(HOST);
