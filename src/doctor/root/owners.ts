/** Whether owners and modes came along with the files. */
import { FileType } from '../../rootfs/file-type.ts';
import { inOrder, type Said } from '../finding.ts';
import { about, type RootCheck, type RootContext } from './context.ts';

/** Where nearly everything is root's in every system. */
const DIRECTORIES = ['', 'etc', 'bin', 'sbin', 'usr', 'usr/bin', 'usr/sbin', 'lib', 'usr/lib'];
/** Names of a directory that are looked at. */
const MAX_NAMES = 300;

/** How many files an owner has. */
function countOwners({ tree }: RootContext): Map<number, number> {
  const counts = new Map<number, number>();
  for (const directory of DIRECTORIES) {
    for (const name of ['.', ...tree.names(directory).slice(0, MAX_NAMES)]) {
      const uid = tree.find(`${directory}/${name}`, false)?.file.owner.uid;
      if (uid !== undefined) counts.set(uid, (counts.get(uid) ?? 0) + 1);
    }
  }
  return counts;
}

function ownerFindings(context: RootContext): Said[] {
  const counts = countOwners(context);
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const [uid = 0, most = 0] =
    [...counts].filter(([owner]) => owner !== 0).sort(([, a], [, b]) => b - a)[0] ?? [];
  if (most * 10 < all) return [];
  const share = most === all ? 'All' : `${most} of ${all}`;
  return [
    about(context).error(
      `${share} files of the system belong to user ${uid}, not to root`,
      "sudo, su, ssh, cron and systemd refuse files that are not root's, and that user could change the whole system.",
      'Build and upload as root (or under fakeroot) by rsync -aHAXS --numeric-ids; without it: rsync --chown=0:0, or tar --owner=0 --group=0 --numeric-owner.',
    ),
  ];
}

/** Programs that do nothing without the set-user-id bit, whoever packaged them. */
const SET_ID = [
  'usr/bin/sudo',
  'usr/bin/su',
  'bin/su',
  'usr/bin/passwd',
  'usr/bin/pkexec',
  'bin/busybox.suid',
];

function setIdFindings(context: RootContext): Said[] {
  const { tree } = context;
  const lost = SET_ID.filter((name) => {
    const owner = tree.find(name, false)?.file.owner;
    return owner?.type === FileType.regular && (owner.mode & 0o4000) === 0;
  });
  if (lost.length === 0) return [];
  return [
    about(context).warning(
      `Without the set-user-id bit: ${lost.map((name) => `/${name}`).join(', ')}`,
      'They work for root only.',
      'Unpack and upload as root: an archive unpacked as another user, or a copy by cp -r, loses the bit.',
    ),
  ];
}

export const owners: RootCheck = {
  name: 'owners',
  run(context) {
    const findings = [...ownerFindings(context), ...setIdFindings(context)];
    return findings.length > 0
      ? findings
      : [inOrder(context.subject, 'The files of the system belong to root')];
  },
};
