/** Whether rsync is there, and new enough. */
import { HOST, rsyncVersion } from '../../shell/rsync-server.ts';
import { type Check, inOrder, type Said } from '../finding.ts';

export function rsyncFinding(version: readonly [major: number, minor: number] | undefined): Said {
  if (version === undefined) {
    return {
      severity: 'error',
      subject: 'host',
      what: `${HOST.rsync} cannot be run`,
      why: 'Boot files and root file systems come and go by it.',
      fix: 'Install it: apt-get install rsync.',
    };
  }
  const [major, minor] = version;
  const shown = `rsync has version ${major}.${minor}`;
  if (major > 3 || (major === 3 && minor >= 5)) return inOrder('host', shown);
  return {
    severity: 'warning',
    subject: 'host',
    what: `${shown}, which is older than 3.5`,
    why:
      'An older one follows symbolic links that users have put into a tree: only Landlock is between it and the ' +
      'rest of the account, trees with a link that leads out get no uploads, and uploads leave links out.',
    fix: 'Install rsync 3.5.0 or newer, from a newer release of Debian, its backports, or rsync.samba.org.',
  };
}

export const rsync: Check<unknown> = {
  name: 'rsync',
  run: () => [rsyncFinding(rsyncVersion(HOST.rsync))],
};
