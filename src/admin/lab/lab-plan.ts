/** From a lab file, and what the host is like, to the changes that lead there: of all boards at once, or of none. */
import { CommandError, type ExitCode } from '../../shell/errors.ts';
import type { Account } from '../account.ts';
import { planBoard } from '../board-changes.ts';
import { listBoards } from '../boards.ts';
import type { Change, Plan } from '../change.ts';
import type { DesiredBoard, Identities } from '../desired.ts';
import { planIdentities } from '../identity-changes.ts';
import { planRemoval } from '../removal.ts';
import { assertIdle } from '../state/idle.ts';

/** All that keeps boards from being as the file says. */
class ObstacleError extends CommandError {
  constructor(obstacles: readonly string[], exitCode: ExitCode) {
    const more =
      obstacles.length > 1 ? ` (and ${obstacles.length - 1} more: ${obstacles.slice(1).join('; ')})` : '';
    super(`${obstacles[0]}${more}`, exitCode);
    this.name = 'ObstacleError';
  }
}

/** Looks at each, so that all obstacles are told. */
async function planEach<T>(all: readonly T[], plan: (each: T) => Plan | Promise<Plan>): Promise<Plan[]> {
  const plans: Plan[] = [];
  const errors: CommandError[] = [];
  for (const each of all) {
    try {
      plans.push(await plan(each));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      errors.push(error);
    }
  }
  const [first] = errors;
  if (first !== undefined)
    throw new ObstacleError(
      errors.map(({ message }) => message),
      first.exitCode,
    );
  return plans;
}

async function planPruned(account: Account): Promise<Plan> {
  await assertIdle(account);
  return planRemoval(account, { withIdentities: false });
}

/** What several boards need, such as /srv/tftp, is made once. */
function eachOnce(changes: readonly Change[]): Change[] {
  return [...new Map(changes.map((change) => [change.text, change])).values()];
}

/**
 * @param prune whether boards that the file does not have are removed; their files stay
 * @throws CommandError with all obstacles, before anything is done
 */
export async function planLab(boards: readonly DesiredBoard[], { prune }: { prune: boolean }): Promise<Plan> {
  const others = listBoards().filter(({ name }) => !boards.some((board) => board.name === name));
  const pruned = await planEach(prune ? others : [], planPruned);
  const made = await planEach(boards, ({ identities: _identities, ...board }) =>
    planBoard(board, { completeUsers: true }),
  );
  // Together: a board may get the address that another one had.
  const known = boards.flatMap(({ name, identities }) => (identities ? [[name, identities] as const] : []));
  const unknown = prune ? others.map(({ name }) => [name, undefined] as const) : [];
  const identities = planIdentities(new Map<string, Identities | undefined>([...unknown, ...known]));
  // Last what cannot be undone.
  const plans = [...made, identities, ...pruned];
  const left = others.map(({ name }) => name).join(', ');
  const note = `not in the file, and left alone: ${left} (--prune removes boards)`;
  return {
    changes: eachOnce(plans.flatMap(({ changes }) => changes)),
    conflicts: plans.flatMap(({ conflicts }) => conflicts),
    notes: [...plans.flatMap(({ notes }) => notes), ...(prune || left === '' ? [] : [note])],
  };
}
