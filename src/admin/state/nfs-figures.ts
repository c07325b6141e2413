/** Asks running NFS servers how they are: all at once, since each takes its time to answer. */
import fs from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { nfsPlace } from '../../shell/nfs-place.ts';
import { type NfsStatus, parseNfsStatus, versionOf } from '../../shell/nfs-status.ts';
import { openProcess, signalProcess } from '../../system/pidfd.ts';
import { readRegularFile } from '../../system/regular-file.ts';
import type { Account } from '../account.ts';
import { asAccount } from '../as-account.ts';
import type { NfsServerState } from './board-state.ts';

/** Of all together: who does not answer until then is left out. */
const ANSWER_MS = 5000;
const LOOK_MS = 20;
const MAX_BYTES = 1024 * 1024;

interface Asked {
  readonly account: Account;
  readonly user: string;
  readonly file: string;
  /** Of the answer before. */
  readonly before: string | undefined;
}

export interface NfsFigures {
  readonly board: string;
  readonly user: string;
  readonly status: NfsStatus;
}

/** Who has the lock may be anything that the account started, but nothing of somebody else's. */
function ask(pid: number, { uid }: Account): boolean {
  const pidfd = openProcess(pid);
  if (pidfd === undefined) return false;
  try {
    if (fs.statSync(`/proc/${pid}`).uid !== uid) return false;
    signalProcess(pidfd, constants.signals.SIGUSR1);
    return true;
  } catch {
    // It has ended.
    return false;
  } finally {
    fs.closeSync(pidfd);
  }
}

function answer({ file, before }: Asked): NfsStatus | 'none' | undefined {
  try {
    const version = versionOf(file);
    if (version === undefined || version === before) return undefined;
    return parseNfsStatus(file, readRegularFile(file, MAX_BYTES)?.toString() ?? '');
  } catch {
    return 'none';
  }
}

/** @param servers those that do not run are passed over */
export async function askServers(
  servers: readonly { readonly account: Account; readonly server: NfsServerState }[],
): Promise<NfsFigures[]> {
  let waiting = servers.flatMap(({ account, server: { user, pid } }): Asked[] => {
    if (pid === null) return [];
    const file = nfsPlace(account.home, user).statusFile;
    const before = asAccount(account, () => {
      try {
        return versionOf(file);
      } catch {
        return undefined;
      }
    });
    return ask(pid, account) ? [{ account, user, file, before }] : [];
  });
  const figures: NfsFigures[] = [];
  for (const end = Date.now() + ANSWER_MS; waiting.length > 0 && Date.now() < end; ) {
    await sleep(LOOK_MS);
    waiting = waiting.filter((asked) => {
      const status = asAccount(asked.account, () => answer(asked));
      if (status === undefined) return true;
      if (status !== 'none') figures.push({ board: asked.account.name, user: asked.user, status });
      return false;
    });
  }
  return figures;
}
