/** What a root file system starts when it boots: systemd, or scripts of the System V kind (sysvinit, busybox, Buildroot, OpenRC). */
import type { StoredTree } from '../../rootfs/stored-tree.ts';

/** Targets that want something, in one directory. */
const MAX_TARGETS = 200;

const UNIT_DIRECTORIES = ['etc/systemd/system', 'usr/lib/systemd/system', 'lib/systemd/system'];

export function hasSystemd(tree: StoredTree): boolean {
  return ['usr/lib/systemd/systemd', 'lib/systemd/systemd'].some((name) => tree.exists(name));
}

/** All but the store is made at boot, by stages 1 and 2. */
export function isNixos(tree: StoredTree): boolean {
  return tree.exists('nix/store') && !tree.exists('usr/lib');
}

/** Names of a unit's files, masks among them. systemd.unit(5) */
function unitFiles(tree: StoredTree, unit: string): string[] {
  return UNIT_DIRECTORIES.map((directory) => `${directory}/${unit}`).filter(
    (name) => tree.find(name, false) !== undefined,
  );
}

/** Whether there is a unit that is not masked. */
export function hasUnit(tree: StoredTree, unit: string): boolean {
  const [first] = unitFiles(tree, unit);
  if (first === undefined) return false;
  return tree.target(first) !== '/dev/null' && tree.find(first)?.file.stat.size !== 0;
}

function isWanted(tree: StoredTree, unit: string): boolean {
  return UNIT_DIRECTORIES.some((directory) =>
    tree
      .names(directory)
      .filter((name) => /\.(wants|requires)$/.test(name))
      .slice(0, MAX_TARGETS)
      .some((name) => tree.find(`${directory}/${name}/${unit}`, false) !== undefined),
  );
}

/** Names of the units that a target wants, as far as files say it: getty.target. */
export function wantedBy(tree: StoredTree, target: string): string[] {
  return UNIT_DIRECTORIES.flatMap((directory) => tree.names(`${directory}/${target}.wants`));
}

/** Debian and Yocto link scripts from rcS.d and rc2.d to rc5.d, OpenWrt from rc.d; Buildroot runs S40NAME in init.d itself. */
const SCRIPTS = ['etc/rcS.d', 'etc/rc2.d', 'etc/rc3.d', 'etc/rc5.d', 'etc/rc.d', 'etc/init.d'];
/** OpenRC's, as Alpine Linux has them. */
const RUNLEVELS = ['sysinit', 'boot', 'default'];

function hasScript(tree: StoredTree, script: string): boolean {
  if (RUNLEVELS.some((level) => tree.find(`etc/runlevels/${level}/${script}`, false) !== undefined))
    return true;
  return SCRIPTS.some((directory) =>
    tree.names(directory).some((name) => /^S\d\d/.test(name) && name.slice(3) === script),
  );
}

/** @param unit of systemd, without its type @param script of /etc/init.d, which systemd starts where there is no such unit */
export function startsAtBoot(tree: StoredTree, unit: string, script = unit): boolean {
  const file = `${unit}.service`;
  if (hasSystemd(tree) && unitFiles(tree, file).length > 0)
    return hasUnit(tree, file) && isWanted(tree, file);
  return hasScript(tree, script);
}
