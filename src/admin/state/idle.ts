/** Whether a board can be removed without anybody's loss. */
import { CommandError, ExitCode } from '../../shell/errors.ts';
import { localTime } from '../../shell/text.ts';
import type { Account } from '../account.ts';
import { type BoardState, Look } from './board-state.ts';
import { askServers } from './nfs-figures.ts';

/** As long as a server waits for another call before it exits: who is silent for longer than that has mounted nothing. */
const SILENT_MS = 600_000;

/** Who has mounted a root by UDP, as far as calls tell. @returns in words */
async function datagramUse(account: Account, nfs: BoardState['nfs']): Promise<string | undefined> {
  const figures = await askServers(nfs.map((server) => ({ account, server })));
  const calls = figures.flatMap(({ user, status }) =>
    status.clients.map(({ address, lastDatagramAt }) => ({ user, address, at: lastDatagramAt ?? '' })),
  );
  const latest = calls.toSorted((one, other) => one.at.localeCompare(other.at)).at(-1);
  if (latest === undefined || !(Date.now() - Date.parse(latest.at) < SILENT_MS)) return undefined;
  const { user, address, at } = latest;
  return `a root file system of ${user} in use by UDP (${address}, last at ${localTime(at)})`;
}

/** @throws CommandError (75) while somebody has the board or waits for it, or has its root file system mounted */
export async function assertIdle(account: Account): Promise<void> {
  const { name, holder, waiters, nfs } = new Look().board(account);
  const advice = `end that: novaboot-admin remove-board ${name} --force`;
  const occupant = holder ?? waiters[0];
  if (occupant !== undefined) {
    const { user, since, from } = occupant;
    throw new CommandError(
      `${name} is in use by ${user} (since ${since}, from ${from}); wait, or ${advice}`,
      ExitCode.busy,
    );
  }
  // A board runs on without a session.
  const server = nfs.find(({ clients }) => clients > 0);
  if (server !== undefined) {
    throw new CommandError(
      `${name} has a root file system of ${server.user} mounted (clients: ${server.clients}); switch it off, or ${advice}`,
      ExitCode.busy,
    );
  }
  const use = await datagramUse(account, nfs);
  if (use === undefined) return;
  throw new CommandError(
    `${name} has ${use}; switch it off and wait for 10 minutes, or ${advice}`,
    ExitCode.busy,
  );
}
