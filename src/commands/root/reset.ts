/** An empty root, as a fresh installation wants it. */
import { FileType } from '../../rootfs/file-type.ts';
import { lockRoots } from '../../rootfs/lock.ts';
import { beginTree, recoverTrees } from '../../rootfs/new-tree.ts';
import { storeOwner } from '../../rootfs/ownership.ts';
import { findUnattributed, idsOf } from '../../rootfs/unattributed.ts';
import { roomForNewRoot, treeAdded } from '../../rootfs/usage.ts';
import { ledgerOf } from '../../shell/ledger.ts';
import { writeOut } from '../../shell/output.ts';
import type { OwnRoots } from '../../shell/own-roots.ts';
import { fateOfOld, removeUnused } from './replaced.ts';

const EMPTY_ROOT = { type: FileType.directory, mode: 0o755, uid: 0, gid: 0, major: 0, minor: 0 } as const;

export function run(own: OwnRoots): void {
  const { roots, place } = own;
  lockRoots(roots, 'exclusive');
  const ledger = ledgerOf(own);
  recoverTrees(roots);
  removeUnused(ledger, place);
  roomForNewRoot(ledger);
  const tree = beginTree(roots);
  try {
    storeOwner(tree.fd, EMPTY_ROOT, idsOf(findUnattributed()));
    treeAdded(ledger, tree.path);
    tree.switchIn();
  } catch (error) {
    tree.abandon();
    throw error;
  }
  writeOut(`Your root file system is empty now. ${fateOfOld(ledger, place, tree.number)}\n`);
}
