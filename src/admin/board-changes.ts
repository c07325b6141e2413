/** From what a board is to be like, and what the host is like, to the changes that lead there. */
import { accountChanges } from './account-changes.ts';
import type { Change, Plan } from './change.ts';
import { checkBoard } from './check-desired.ts';
import { configPlan } from './config-changes.ts';
import type { DesiredBoard } from './desired.ts';
import { directoryChanges } from './directory-changes.ts';
import { planIdentities } from './identity-changes.ts';
import { nfsPlan, rootsChanges } from './nfs-changes.ts';
import { powerOffChanges } from './power-off-changes.ts';
import { subjectOf } from './subject.ts';
import { tftpChanges } from './tftp-changes.ts';
import { usersPlan } from './user-changes.ts';

function plan(changes: readonly Change[]): Plan {
  return { changes, conflicts: [], notes: [] };
}

function joined(plans: readonly Plan[]): Plan {
  return {
    changes: plans.flatMap(({ changes }) => changes),
    conflicts: plans.flatMap(({ conflicts }) => conflicts),
    notes: plans.flatMap(({ notes }) => notes),
  };
}

/**
 * @param completeUsers whether users who are not wanted lose their keys
 * @throws CommandError for what cannot be had, before anything is done
 */
export async function planBoard(
  desired: DesiredBoard,
  { completeUsers = false }: { completeUsers?: boolean } = {},
): Promise<Plan> {
  await checkBoard(desired);
  const { name, account, config, nfs, identities, powerOff, users } = desired;
  const subject = subjectOf(desired);
  return joined([
    plan(accountChanges(subject, account)),
    plan(directoryChanges(subject, subject.home, 0o700)),
    plan(tftpChanges(subject)),
    plan(rootsChanges(subject)),
    configPlan(subject, config),
    // Before the user manager may start, which reads this then.
    ...(powerOff === undefined ? [] : [plan(powerOffChanges(subject, powerOff))]),
    ...(nfs === undefined ? [] : [nfsPlan(subject, nfs)]),
    ...(identities === undefined ? [] : [planIdentities(new Map([[name, identities]]))]),
    // Last: nobody comes in before all is there.
    ...(users === undefined ? [] : [usersPlan(subject, users, completeUsers)]),
  ]);
}
