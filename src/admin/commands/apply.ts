/** Makes the boards of the host what the lab file says. */
import { ExitCode } from '../../shell/errors.ts';
import { writeError } from '../../shell/output.ts';
import { printable } from '../../shell/text.ts';
import type { AdminWords } from '../command.ts';
import type { DesiredBoard } from '../desired.ts';
import { LAB_FILE, LabError, readLab } from '../lab/lab-file.ts';
import { planLab } from '../lab/lab-plan.ts';
import { changing } from '../lock.ts';
import { carryOut } from '../report-plan.ts';

function say(text: string): void {
  writeError(`novaboot-admin: ${printable(text)}\n`);
}

/** Tells all that is wrong in the file, a line each. @returns undefined then */
async function boardsOf(file: string): Promise<DesiredBoard[] | undefined> {
  try {
    return await readLab(file);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    for (const problem of error.problems) say(problem);
    return undefined;
  }
}

/** @returns 1 if something is left alone that the file wants otherwise */
export async function run(words: AdminWords): Promise<number> {
  const boards = await boardsOf(words.args[0] ?? LAB_FILE);
  if (boards === undefined) return ExitCode.configuration;
  return await changing(async () => {
    const plan = await planLab(boards, { prune: words.has('prune') });
    // One file that somebody has changed by hand does not keep the rest of the lab from its state.
    await carryOut({ ...plan, conflicts: [] }, { dryRun: words.has('dry-run') });
    for (const conflict of plan.conflicts) say(`conflict: ${conflict}`);
    return plan.conflicts.length > 0 ? ExitCode.failed : 0;
  });
}
