/** What the original's adduser-novaboot does, with its options and those that it hands on to adduser(8). */
import { planBoard } from '../board-changes.ts';
import type { AdminWords } from '../command.ts';
import { readKey } from '../key-input.ts';
import { changing } from '../lock.ts';
import { carryOut } from '../report-plan.ts';
import { numberOf } from './add-board.ts';

export async function run(words: AdminWords): Promise<void> {
  const [name = ''] = words.args;
  const account = {
    home: words.value('home'),
    gecos: words.value('gecos'),
    uid: numberOf(words, 'uid'),
    firstUid: numberOf(words, 'firstuid'),
    lastUid: numberOf(words, 'lastuid'),
    group: words.value('ingroup') ?? words.value('gid'),
  };
  const said = Object.fromEntries(Object.entries(account).filter(([, value]) => value !== undefined));
  const key = readKey(words.value('key') ?? '');
  const users = [{ name: words.value('admin-id') ?? 'admin', admin: true, keys: [key] }];
  await changing(async () => carryOut(await planBoard({ name, account: said, users })));
}
