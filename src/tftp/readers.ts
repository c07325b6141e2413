/** Who may read the boards' journals: the accounts of the same names. */
import { uidOf } from '../system/accounts.ts';
import type { Config } from './config.ts';

/** Where most accounts are. Others are looked up again when the configuration is read. */
export const ACCOUNTS = '/etc/passwd';

/** @returns uids by the name of the board; those without an account are not in it */
export async function findReaders({ journal, boards }: Config): Promise<ReadonlyMap<string, number>> {
  const readers = new Map<string, number>();
  if (journal === undefined) return readers;
  // One after the other: each takes a thread.
  for (const { name } of boards) {
    const uid = await uidOf(name);
    if (uid !== undefined) readers.set(name, uid);
  }
  return readers;
}
