/** Lists the boards. */
import { countUnnamedKeys } from '../../shell/authorized-keys.ts';
import { isPowerOffDelayed } from '../../shell/delayed-power-off.ts';
import { writeJson, writeOut } from '../../shell/output.ts';
import { printable, table } from '../../shell/text.ts';
import { type Account, expiredAccounts } from '../account.ts';
import { asAccount } from '../as-account.ts';
import { listBoards, listOtherBoards } from '../boards.ts';
import type { AdminWords } from '../command.ts';
import { statHome } from '../home-file.ts';
import { boardKeys, boardUsers } from '../user-changes.ts';

interface Row {
  readonly name: string;
  readonly uid: number;
  readonly home: string;
  /** null where they cannot be read. */
  readonly users: readonly { readonly name: string; readonly admin: boolean; readonly keys: number }[] | null;
  /** Those with which one can claim any name; null where they cannot be read. */
  readonly unnamedKeys: number | null;
  readonly nfs: boolean;
  readonly powerOff: boolean;
  /** Nobody can log in. */
  readonly expired: boolean;
  /** Its login shell is another novaboot-shell than this one. */
  readonly other: boolean;
  readonly shell: string;
}

function tried<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}

function rowOf(account: Account, other: boolean, expired: boolean): Row {
  const { name, uid, home, shell } = account;
  return {
    ...{ name, uid, home, shell, other, expired },
    users: tried(() => boardUsers(account), null),
    unnamedKeys: tried(() => countUnnamedKeys(boardKeys(account)), null),
    nfs: tried(() => statHome(account, '.novaboot-nfs') !== undefined, false),
    powerOff: asAccount(account, () => isPowerOffDelayed(home)),
  };
}

function cells({ name, home, users, unnamedKeys, nfs, powerOff, expired, other, shell }: Row): string[] {
  const named = users?.map((user) => user.name + (user.admin ? '*' : '')) ?? ['?'];
  const who = [...named, ...(unnamedKeys ? [`(unnamed keys: ${unnamedKeys})`] : [])].join(' ');
  const features = [
    ...(nfs ? ['nfs'] : []),
    ...(powerOff ? ['power-off'] : []),
    ...(expired ? ['expired: nobody can log in'] : []),
    ...(other ? [`not ours: ${shell}; see novaboot-admin import`] : []),
  ];
  return [name, home, who || '-', features.join(', ') || '-'].map(printable);
}

function text(rows: readonly Row[]): string {
  if (rows.length === 0) return 'There is no board yet: novaboot-admin add-board makes one\n';
  return table([['BOARD', 'HOME', 'USERS (* ADMIN)', 'FEATURES'], ...rows.map(cells)]);
}

export function run(words: AdminWords): void {
  const expired = expiredAccounts();
  const row = (other: boolean) => (account: Account) => rowOf(account, other, expired.has(account.name));
  const rows = [...listBoards().map(row(false)), ...listOtherBoards().map(row(true))];
  if (words.has('json')) writeJson({ boards: rows });
  else writeOut(text(rows));
}
