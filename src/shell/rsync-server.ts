/**
 * rsync's end of an upload or a download, in a tree of the account's.
 *
 * Fences, from the outside in: the allow-list of options; descriptors from openat2(2), so that rsync starts inside
 * the tree; Landlock, so that it opens nothing outside; and, since Landlock does not cover chmod(2) and its like, no
 * symbolic link in the tree that rsync would follow: since 3.5.0 its receiver does not walk through symbolic links,
 * and an older one gets no tree with a link that leads out of it.
 */
import { spawnSync } from 'node:child_process';
import { confine, landlockAbi, type Rule } from '../system/landlock.ts';
import type { Program } from '../system/process.ts';
import { checkSource, findLinkOut, inside, openDestination, type Tree } from './board-tree.ts';
import { CommandError, ExitCode } from './errors.ts';
import type { RsyncRequest } from './rsync-options.ts';
import { systemLog } from './system-log.ts';

/** What the fences depend on; a parameter, so that tests can take one away. */
export interface Host {
  readonly rsync: string;
  /** 0 for none. */
  readonly landlockAbi: () => number;
  readonly warn: (message: string) => void;
}

export const HOST: Host = {
  rsync: '/usr/bin/rsync',
  landlockAbi,
  warn: (message) => systemLog('warning', message),
};

/** What a kind of tree needs of rsync. */
export interface Service {
  /** Options besides the client's, which they override. @param isModern 3.5.0 or newer */
  readonly options: (isModern: boolean) => readonly string[];
  /** What an upload may do in the tree. */
  readonly access?: 'write' | 'add';
  /** The program that starts rsync, and its arguments, if it is not to start at once. */
  readonly launcher?: readonly string[];
  /** What that one opens. */
  readonly rules?: readonly Rule[];
}

/** What sh, env, setpriv, date and rsync read before they do anything. */
export const SYSTEM: readonly Rule[] = [
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

/** undefined where it cannot be run. */
export function rsyncVersion(rsync: string): [major: number, minor: number] | undefined {
  const { stdout } = spawnSync(rsync, ['--version'], { env: {}, encoding: 'utf8', timeout: 5000 });
  const [, major, minor] = /version v?(\d+)\.(\d+)/.exec(stdout ?? '') ?? [];
  return major === undefined ? undefined : [Number(major), Number(minor)];
}

/** Since 3.5.0 the receiver's calls go through descriptors that no symbolic link leads out of. */
function refusesLinks(rsync: string): boolean {
  const version = rsyncVersion(rsync);
  if (version === undefined) throw new CommandError(`Cannot run ${rsync}`, ExitCode.notConfigured);
  const [major, minor] = version;
  return major > 3 || (major === 3 && minor >= 5);
}

export function deletes({ names }: RsyncRequest): boolean {
  return [...names].some((name) => name.startsWith('delete'));
}

/** With these a receiver reads files of rules, which the client names in the protocol, and quotes them in errors. */
function readsRules(request: RsyncRequest): boolean {
  return request.names.has('m') || deletes(request);
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

/** Puts this process into the tree, for rsync to start there. @returns the paths that it gets */
function enterTree(tree: Tree, { sender, names, paths }: RsyncRequest): readonly string[] {
  if (sender) {
    for (const source of paths) checkSource(tree, source);
    process.chdir(inside(tree.fd));
    return paths;
  }
  const destination = { path: paths[0] ?? '.', dryRun: names.has('n'), makePath: names.has('mkpath') };
  const { directory, rest } = openDestination(tree, destination);
  process.chdir(inside(directory));
  return [rest];
}

/** Confines this process to the tree and to what `request` needs. @returns what to replace it by */
export function rsyncServer(
  host: Host,
  tree: Tree,
  request: RsyncRequest,
  { options, access = 'write', launcher = [], rules = [] }: Service,
  env: Program['env'],
): Program {
  const abi = host.landlockAbi();
  const isModern = refusesLinks(host.rsync);
  if (abi === 0) checkWithoutLandlock(request, isModern, host.warn);
  if (!request.sender && (abi === 0 || !isModern)) checkLinks(tree);
  const paths = enterTree(tree, request);
  const treeRule = { path: inside(tree.fd), access: request.sender ? 'read' : access } as const;
  if (abi > 0) confine([...SYSTEM, ...rules, treeRule], abi);
  const role = request.sender ? ['--server', '--sender'] : ['--server'];
  const fences = [...options(isModern), ...(isModern ? [`--confine-root=${tree.path}`] : [])];
  const args = [...launcher, host.rsync, ...role, ...request.options, ...fences, '.', ...paths];
  return { file: args[0] ?? host.rsync, args, env };
}
