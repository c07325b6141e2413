/** Lets a user of a board in with another key. */
import fs from 'node:fs';
import { CommandError } from '../../shell/errors.ts';
import { boardNamed } from '../boards.ts';
import { checkUserName } from '../check-desired.ts';
import type { AdminWords } from '../command.ts';
import { readKey } from '../key-input.ts';
import { changing } from '../lock.ts';
import { carryOut } from '../report-plan.ts';
import { subjectOf } from '../subject.ts';
import { usersPlan } from '../user-changes.ts';

export async function run(words: AdminWords): Promise<void> {
  const [board = '', name = ''] = words.args;
  checkUserName(name);
  const user = { name, admin: words.has('admin'), keys: [readKey(words.value('key') ?? '')] };
  await changing(async () => {
    const { home } = boardNamed(board);
    if (!fs.existsSync(home))
      throw new CommandError(
        `The home directory ${home} is not there; mount its disk, or say add-board ${board}`,
      );
    await carryOut(usersPlan(subjectOf({ name: board }), [user]), { dryRun: words.has('dry-run') });
  });
}
