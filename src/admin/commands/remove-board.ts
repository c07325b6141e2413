/** Removes a board. */
import { boardNamed } from '../boards.ts';
import type { AdminWords } from '../command.ts';
import { changing } from '../lock.ts';
import { planRemoval } from '../removal.ts';
import { carryOut } from '../report-plan.ts';
import { assertIdle } from '../state/idle.ts';

export async function run(words: AdminWords): Promise<void> {
  const [name = ''] = words.args;
  await changing(async () => {
    const account = boardNamed(name);
    if (!words.has('force')) await assertIdle(account);
    const plan = planRemoval(account, { purge: words.has('purge') });
    await carryOut(plan, { dryRun: words.has('dry-run') });
  });
}
