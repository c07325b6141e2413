/** Lets a user of a board in with another key. */
import { boardNamed } from '../boards.ts';
import { changing } from '../change.ts';
import { checkUserName } from '../check-desired.ts';
import type { AdminWords } from '../command.ts';
import { readKey } from '../key-input.ts';
import { carryOut } from '../report-plan.ts';
import { subjectOf } from '../subject.ts';
import { usersPlan } from '../user-changes.ts';

export async function run(words: AdminWords): Promise<void> {
  const [board = '', name = ''] = words.args;
  checkUserName(name);
  const user = { name, admin: words.has('admin'), keys: [readKey(words.value('key') ?? '')] };
  await changing(async () => {
    boardNamed(board);
    await carryOut(usersPlan(subjectOf({ name: board }), [user]), { dryRun: words.has('dry-run') });
  });
}
