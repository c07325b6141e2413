/** Removes a saved or a replaced root. */
import { choiceText, openRoot, parseChoice } from '../../rootfs/choice.ts';
import { identityOf } from '../../rootfs/identity.ts';
import { lockRoots } from '../../rootfs/lock.ts';
import { recoverTrees } from '../../rootfs/new-tree.ts';
import { removeReplaced } from '../../rootfs/replaced.ts';
import { openSaved, removeSaved } from '../../rootfs/saved.ts';
import { treeRemoved } from '../../rootfs/usage.ts';
import { ledgerOf } from '../../shell/ledger.ts';
import { writeOut } from '../../shell/output.ts';
import type { OwnRoots } from '../../shell/own-roots.ts';

export function run(own: OwnRoots, [word = '']: readonly string[]): void {
  const { roots } = own;
  const choice = parseChoice(word);
  lockRoots(roots, 'exclusive');
  recoverTrees(roots);
  treeRemoved(ledgerOf(own), identityOf(openRoot(roots, choice)));
  if (choice.kind === 'replaced') removeReplaced(roots, choice.number);
  else if (choice.kind === 'saved') removeSaved(openSaved(roots), choice.name);
  writeOut(`Removed ${choiceText(choice)}.\n`);
}
