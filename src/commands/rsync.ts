/** Upload to ~/tftproot, and download from it. */
import { openTree } from '../shell/board-tree.ts';
import type { LockedCommand } from '../shell/command.ts';
import { parseRsync, TFTP_PROFILE } from '../shell/rsync-options.ts';
import { HOST, type Host, rsyncServer } from '../shell/rsync-server.ts';

/** Links are real ones here: none that leads out, and of an rsync that would follow it, none at all. */
function linkFences(isModern: boolean): string[] {
  return isModern ? ['--safe-links'] : ['--safe-links', '--munge-links'];
}

export function rsyncCommand(host: Host): LockedCommand {
  return {
    binary: true,
    prepare({ home, env }, words) {
      const request = parseRsync(words, TFTP_PROFILE);
      const options = request.sender ? () => [] : linkFences;
      return () => rsyncServer(host, openTree(home, 'tftproot'), request, { options }, env);
    },
  };
}

export const rsync = rsyncCommand(HOST);
