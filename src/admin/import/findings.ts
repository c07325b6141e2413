/** What is to be known before the account of the original becomes a board of this installation. */
import type { Finding } from '../../doctor/finding.ts';
import { tftp } from '../../doctor/host/tftp.ts';
import { runChecks } from '../../doctor/run-checks.ts';
import type { Account } from '../account.ts';
import { boardFindings, hostBoard } from '../board-doctor.ts';
import { loginShell } from '../boards.ts';
import { leftovers } from './leftovers.ts';
import { sudo } from './sudo.ts';
import { units } from './units.ts';

/** What our login shell says of the board's files, and what stands in the way of it on the host. */
export async function importFindings(account: Account): Promise<Finding[]> {
  const [original, server, board] = await Promise.all([
    runChecks([leftovers, units, sudo], account),
    runChecks([tftp], { boards: [hostBoard(account)], others: [], unsound: [] }),
    boardFindings([{ ...account, shell: loginShell() }]),
  ]);
  return [...original, ...server, ...board];
}
