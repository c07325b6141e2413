/** Makes a copy of a saved root the live one, or lets the live one and a replaced one change places. */
import { type Choice, checkThere, choiceText, openRoot, parseChoice } from '../../rootfs/choice.ts';
import { copyTree } from '../../rootfs/copy-tree.ts';
import { lockRoots } from '../../rootfs/lock.ts';
import { beginTree, recoverTrees, switchBack } from '../../rootfs/new-tree.ts';
import { type Ledger, treeAdded } from '../../rootfs/usage.ts';
import { ledgerOf } from '../../shell/ledger.ts';
import type { NfsPlace } from '../../shell/nfs-place.ts';
import { writeOut } from '../../shell/output.ts';
import type { OwnRoots } from '../../shell/own-roots.ts';
import { confineToTrees } from './confinement.ts';
import { fateOfOld, removeUnused } from './replaced.ts';
import { checkRoomToRestore } from './room.ts';

/** @returns the number of the root that gave way */
function switchToCopy(ledger: Ledger, place: NfsPlace, choice: Choice, lock: number): number {
  const { roots } = ledger;
  const source = openRoot(roots, choice);
  const tree = beginTree(roots);
  confineToTrees(place, [
    { path: roots.saved, access: 'read' },
    { path: roots.base, access: 'serve' },
  ]);
  try {
    copyTree(source, tree.fd, lock);
    treeAdded(ledger, tree.path);
    tree.switchIn();
  } catch (error) {
    tree.abandon();
    throw error;
  }
  return tree.number;
}

export function run(own: OwnRoots, [word = '']: readonly string[]): void {
  const { roots, place } = own;
  const choice = parseChoice(word);
  const lock = lockRoots(roots, 'exclusive');
  recoverTrees(roots);
  checkThere(roots, choice);
  const ledger = ledgerOf(own);
  if (choice.kind !== 'replaced') removeUnused(ledger, place);
  checkRoomToRestore(ledger, choice);
  let number: number;
  if (choice.kind === 'replaced') {
    number = choice.number;
    switchBack(roots, number);
  } else {
    number = switchToCopy(ledger, place, choice, lock);
  }
  writeOut(`Restored ${choiceText(choice)}. ${fateOfOld(ledger, place, number)}\n`);
}
