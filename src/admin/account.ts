/** The host's accounts, as far as boards are concerned. */
import { outputOf } from '../power-off/programs.ts';
import { type Account, accountNamed, groupNamed, groupsOf } from '../system/accounts.ts';

export type { Account } from '../system/accounts.ts';

/** A line of passwd(5). */
function parseLine(line: string): Account[] {
  const [name = '', , uid = '', gid = '', gecos = '', home = '', shell = ''] = line.split(':');
  return /^\d+$/.test(uid) && /^\d+$/.test(gid)
    ? [{ name, uid: Number(uid), gid: Number(gid), gecos, home, shell }]
    : [];
}

/** All that can be listed: a directory service may keep some to itself. */
export function listAccounts(): Account[] {
  const accounts = new Map<string, Account>();
  for (const account of (outputOf('getent', ['passwd']) ?? '').split('\n').flatMap(parseLine)) {
    // Two sources may have the same name: the first one counts, as for getpwnam(3).
    if (!accounts.has(account.name)) accounts.set(account.name, account);
  }
  return [...accounts.values()];
}

const DAY_MS = 86_400_000;

/**
 * Accounts that have expired (shadow(5)): nobody gets into them, whatever key he has. Only root can know.
 *
 * @param name of the only one that is asked for
 */
export function expiredAccounts(...name: [] | [string]): ReadonlySet<string> {
  const today = Math.floor(Date.now() / DAY_MS);
  const entries = (outputOf('getent', ['shadow', ...name]) ?? '').split('\n').map((line) => line.split(':'));
  const expired = entries.filter(([, , , , , , , day = '']) => /^\d+$/.test(day) && Number(day) <= today);
  return new Set(expired.map(([entry = '']) => entry));
}

export function findAccount(name: string): Account | undefined {
  const account = accountNamed(name);
  return account?.name === name ? account : undefined;
}

/** Whether the account has the group, as its primary or another one. */
export function isMember(account: Account, group: string): boolean {
  const gid = groupNamed(group);
  return gid !== undefined && groupsOf(account).includes(gid);
}
