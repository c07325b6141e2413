/** Takes all keys of a user out of a board. What the user has stored stays. */
import { boardNamed } from '../boards.ts';
import type { AdminWords } from '../command.ts';
import { changing } from '../lock.ts';
import { carryOut } from '../report-plan.ts';
import { subjectOf } from '../subject.ts';
import { boardUsers, removalOfUser } from '../user-changes.ts';

export async function run(words: AdminWords): Promise<void> {
  const [board = '', name = ''] = words.args;
  await changing(async () => {
    const account = boardNamed(board);
    const changes = removalOfUser(subjectOf({ name: board }), name);
    const others = boardUsers(account).filter((user) => user.name !== name);
    const notes = [
      ...(others.some(({ admin }) => admin) ? [] : [`${board} has no administrator without ${name}`]),
      `${name}'s sessions that are open go on, and root file systems stay in ${account.home}/nfsroot`,
    ];
    await carryOut({ changes, conflicts: [], notes }, { dryRun: words.has('dry-run') });
  });
}
