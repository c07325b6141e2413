/** Keeps a copy of the live root, or of a replaced one, under a name. */
import path from 'node:path';
import { choiceText, LIVE, openRoot, parseChoice, savedName } from '../../rootfs/choice.ts';
import { lockRoots } from '../../rootfs/lock.ts';
import { recoverTrees } from '../../rootfs/new-tree.ts';
import { checkUnused, copyRoot, keepCopy, openSaved, UNNAMED } from '../../rootfs/saved.ts';
import { treeAdded } from '../../rootfs/usage.ts';
import { ledgerOf } from '../../shell/ledger.ts';
import { pauseServer } from '../../shell/nfs-pause.ts';
import { writeOut } from '../../shell/output.ts';
import type { OwnRoots } from '../../shell/own-roots.ts';
import { syncInThread } from '../../system/files.ts';
import { confineToTrees } from './confinement.ts';
import { checkRoomToSave } from './room.ts';

export async function run(own: OwnRoots, [word = '', from]: readonly string[]): Promise<void> {
  const { roots, place } = own;
  const name = savedName(word);
  const choice = from === undefined ? LIVE : parseChoice(from);
  const lock = lockRoots(roots, 'exclusive');
  recoverTrees(roots);
  const saved = openSaved(roots);
  checkUnused(saved, name);
  const source = openRoot(roots, choice);
  // What was written just now goes to disk meanwhile; keepCopy() tells whether that works.
  syncInThread(source).catch(() => {});
  const resume = await pauseServer(place);
  const ledger = ledgerOf(own);
  checkRoomToSave(ledger, choice);
  confineToTrees(place, [
    { path: roots.base, access: 'read' },
    { path: roots.saved, access: 'serve' },
  ]);
  const copy = copyRoot(saved, source, lock);
  treeAdded(ledger, path.join(roots.saved, UNNAMED));
  resume();
  keepCopy(saved, copy, name);
  writeOut(`Saved ${choiceText(choice)} as ${name}.\n`);
}
