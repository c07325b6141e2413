/**
 * Upload to ~/tftproot, and download from it.
 *
 * Fences, from the outside in: the allow-list of options; descriptors from openat2(2), so that rsync starts inside
 * the tree; Landlock, so that it opens nothing outside; and, since Landlock does not cover chmod(2) and its like, no
 * symbolic link in the tree that rsync would follow: it gets --safe-links, and since 3.5.0 its receiver does
 * not walk through symbolic links. An older one gets --munge-links too, so that it takes no links at all, and no tree
 * with a link that leads out of it.
 */
import { spawnSync } from 'node:child_process';
import {
  checkSource,
  findLinkOut,
  inside,
  openDestination,
  openTree,
  type Tree,
} from '../shell/board-tree.ts';
import type { LockedCommand } from '../shell/command.ts';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { parseRsync, type RsyncRequest, TFTP_PROFILE } from '../shell/rsync-options.ts';
import { systemLog } from '../shell/system-log.ts';
import { confine, landlockAbi, type Rule } from '../system/landlock.ts';

const RSYNC = '/usr/bin/rsync';

/** What the fences depend on; a parameter, so that tests can take one away. */
export interface Host {
  readonly rsync: string;
  /** 0 for none. */
  readonly landlockAbi: () => number;
  readonly warn: (message: string) => void;
}

/** What sh, env, setpriv, date and rsync read before they do anything. */
const SYSTEM: readonly Rule[] = [
  ...['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'].map(
    (path) => ({ path, access: 'execute' }) as const,
  ),
  ...[
    '/etc/ld.so.cache',
    '/etc/ld.so.preload',
    '/etc/locale.alias',
    '/etc/localtime',
    '/etc/ssl/openssl.cnf',
    '/etc/passwd',
    '/etc/group',
    '/etc/nsswitch.conf',
  ].map((path) => ({ path, access: 'read' }) as const),
  { path: '/dev/null', access: 'write' },
];

/** Since 3.5.0 the receiver's calls go through descriptors that no symbolic link leads out of. */
function refusesLinks(rsync: string): boolean {
  const { stdout } = spawnSync(rsync, ['--version'], { env: {}, encoding: 'utf8', timeout: 5000 });
  const [, major, minor] = /version v?(\d+)\.(\d+)/.exec(stdout ?? '') ?? [];
  if (major === undefined) throw new CommandError(`Cannot run ${rsync}`, ExitCode.notConfigured);
  return Number(major) > 3 || (Number(major) === 3 && Number(minor) >= 5);
}

/** With these a receiver reads files of rules, which the client names in the protocol, and quotes them in errors. */
function readsRules({ names }: RsyncRequest): boolean {
  return names.has('m') || [...names].some((name) => name.startsWith('delete'));
}

function checkWithoutLandlock(request: RsyncRequest, isModern: boolean, warn: Host['warn']): void {
  const lacking = 'the server lacks Landlock';
  if (request.sender) throw new CommandError(`rsync: downloads are refused: ${lacking}`, ExitCode.notAllowed);
  if (!isModern && readsRules(request)) {
    throw new CommandError(`rsync: deleting is refused: ${lacking} and rsync 3.5`, ExitCode.notAllowed);
  }
  warn(`novaboot-shell: upload without Landlock: symbolic links are checked beforehand only, which is racy`);
}

function checkLinks(tree: Tree): void {
  const link = findLinkOut(tree);
  if (link === undefined) return;
  throw new CommandError(`rsync: uploads are refused: ${tree.name}/${link} leads out of ${tree.name}`);
}

interface Entry {
  /** Options that we add. */
  readonly fences: readonly string[];
  readonly paths: readonly string[];
}

/** Puts this process into the tree, for rsync to start there. */
function enterTree(tree: Tree, request: RsyncRequest, isModern: boolean): Entry {
  const confined = isModern ? [`--confine-root=${tree.path}`] : [];
  const { sender, names, paths } = request;
  if (sender) {
    for (const source of paths) checkSource(tree, source);
    process.chdir(inside(tree.fd));
    return { fences: confined, paths };
  }
  const destination = { path: paths[0] ?? '.', dryRun: names.has('n'), makePath: names.has('mkpath') };
  const { directory, rest } = openDestination(tree, destination);
  process.chdir(inside(directory));
  const links = isModern ? ['--safe-links'] : ['--safe-links', '--munge-links'];
  return { fences: [...links, ...confined], paths: [rest] };
}

export function rsyncCommand(host: Host): LockedCommand {
  return {
    binary: true,
    prepare({ home, env }, words) {
      const request = parseRsync(words, TFTP_PROFILE);
      return () => {
        const abi = host.landlockAbi();
        const isModern = refusesLinks(host.rsync);
        if (abi === 0) checkWithoutLandlock(request, isModern, host.warn);
        const tree = openTree(home, 'tftproot');
        if (!request.sender && (abi === 0 || !isModern)) checkLinks(tree);
        const { fences, paths } = enterTree(tree, request, isModern);
        const access = request.sender ? 'read' : 'write';
        if (abi > 0) confine([...SYSTEM, { path: inside(tree.fd), access }], abi);
        const role = request.sender ? ['--server', '--sender'] : ['--server'];
        return {
          file: host.rsync,
          args: ['rsync', ...role, ...request.options, ...fences, '.', ...paths],
          env,
        };
      };
    },
  };
}

export const rsync = rsyncCommand({
  rsync: RSYNC,
  landlockAbi,
  warn: (message) => systemLog('warning', message),
});
