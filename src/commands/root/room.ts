/** Whether the quota has room for a root file system once more, or as the live one. */
import type { Choice } from '../../rootfs/choice.ts';
import { RootError } from '../../rootfs/errors.ts';
import { type Figures, isLimited, NOTHING, plus } from '../../rootfs/quota.ts';
import { countedOf, type Ledger, roomForNewRoot, type Usage, usageOf } from '../../rootfs/usage.ts';

function figuresOf(usage: Usage, choice: Choice): Figures {
  if (choice.kind === 'live') return usage.live;
  return (
    (choice.kind === 'saved' ? usage.saved.get(choice.name) : usage.replaced.get(choice.number)) ?? NOTHING
  );
}

function checkFits({ bytes, files }: Figures, { limits }: Ledger): void {
  if (bytes <= limits.bytes && files <= limits.files) return;
  throw new RootError('Your quota has no room for it; "root list" shows what takes it');
}

/** @throws RootError */
export function checkRoomToSave(ledger: Ledger, choice: Choice): void {
  if (!isLimited(ledger.limits)) return;
  const usage = usageOf(ledger);
  checkFits(plus(countedOf(usage), figuresOf(usage, choice)), ledger);
}

/** @throws RootError */
export function checkRoomToRestore(ledger: Ledger, choice: Choice): void {
  if (!isLimited(ledger.limits)) return;
  // A replaced root that comes back makes room for the one that gives way.
  if (choice.kind !== 'replaced') roomForNewRoot(ledger);
  const usage = usageOf(ledger);
  checkFits(countedOf({ ...usage, live: figuresOf(usage, choice) }), ledger);
}
