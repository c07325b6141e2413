/** The board that a plan is about: its account is there already, or is to be made by the plan's first changes. */
import fs from 'node:fs';
import { GROUP } from '../power-off/account.ts';
import { CommandError } from '../shell/errors.ts';
import { groupNamed } from '../system/accounts.ts';
import { type Account, findAccount } from './account.ts';
import type { DesiredBoard } from './desired.ts';

/** Debian's group of those who are in none, while that of boards is still to be made. */
const NOGROUP = 65_534;

export interface Subject {
  readonly name: string;
  readonly home: string;
  /** Undefined while useradd(8) is to choose it. */
  readonly uid: number | undefined;
  /** The account as it is while the plan is made. */
  readonly existing: Account | undefined;
  /** Who owns the home that is there while the plan is made: also one that was kept from a board before. */
  readonly resident: Account | undefined;
  /** The account while changes are made. */
  account(): Account;
}

export function subjectOf({ name, account: wanted = {} }: DesiredBoard): Subject {
  const existing = findAccount(name);
  const home = existing?.home ?? wanted.home ?? `/home/${name}`;
  const uid = existing?.uid ?? wanted.uid;
  const gid = existing?.gid ?? groupNamed(wanted.group ?? GROUP) ?? NOGROUP;
  const owner = existing ?? (uid === undefined ? undefined : { name, uid, gid, home, gecos: '', shell: '' });
  let known = existing;
  return {
    name,
    home,
    uid,
    existing,
    resident: fs.statSync(home, { throwIfNoEntry: false })?.uid === uid ? owner : undefined,
    account() {
      known ??= findAccount(name);
      if (known === undefined) throw new CommandError(`The account ${name} is gone`);
      return known;
    },
  };
}
