/** Tells what is wrong with the host and its boards, why that matters, and what to do about it. */
import { hostChecks } from '../../doctor/host/checks.ts';
import { machineChecks } from '../../doctor/machine/checks.ts';
import { reportFindings } from '../../doctor/report.ts';
import { runChecks } from '../../doctor/run-checks.ts';
import { boardFindings, hostBoard } from '../board-doctor.ts';
import { boardNamed, listBoards, listOtherBoards, listUnsound } from '../boards.ts';
import type { AdminWords } from '../command.ts';

/** @returns 1 if there is an error */
export async function run(words: AdminWords): Promise<number> {
  const isAll = words.args.length === 0;
  const boards = isAll ? listBoards() : words.args.map(boardNamed);
  const [others, unsound] = isAll ? [listOtherBoards(), listUnsound()] : [[], []];
  const [machine, host, each] = await Promise.all([
    runChecks(machineChecks, undefined),
    runChecks(hostChecks, { boards: boards.map(hostBoard), others, unsound }),
    boardFindings(boards),
  ]);
  const findings = [...machine, ...host, ...each];
  return reportFindings(findings, { json: words.has('json'), all: words.has('verbose') });
}
