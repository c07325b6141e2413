/** Whether a board can be removed without anybody's loss. */
import { CommandError, ExitCode } from '../../shell/errors.ts';
import type { Account } from '../account.ts';
import { Look } from './board-state.ts';

/** @throws CommandError (75) while somebody has the board or waits for it, or has its root file system mounted */
export function assertIdle(account: Account): void {
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
  if (server === undefined) return;
  throw new CommandError(
    `${name} has a root file system of ${server.user} mounted (clients: ${server.clients}); switch it off, or ${advice}`,
    ExitCode.busy,
  );
}
