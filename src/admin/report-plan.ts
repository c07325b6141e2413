/** Tells what a plan is, and carries it out. */
import { CommandError, ExitCode } from '../shell/errors.ts';
import { writeError, writeOut } from '../shell/output.ts';
import { printable } from '../shell/text.ts';
import { applyChanges, type Change, type Plan } from './change.ts';

function line(text: string): string {
  return `${text.split('\n').map(printable).join('\n')}\n`;
}

function sayChange({ text }: Change): void {
  writeOut(line(text));
}

function sayNotes({ notes }: Plan): void {
  for (const note of notes) writeError(line(`novaboot-admin: ${note}`));
}

/**
 * Makes the changes, or only tells them.
 *
 * @throws CommandError (78) before anything is done if a file would have to be overwritten
 */
export async function carryOut(plan: Plan, { dryRun = false }: { dryRun?: boolean } = {}): Promise<void> {
  const [conflict] = plan.conflicts;
  if (conflict !== undefined) throw new CommandError(conflict, ExitCode.configuration);
  if (dryRun) for (const change of plan.changes) sayChange(change);
  else await applyChanges(plan.changes, sayChange);
  if (plan.changes.length === 0) writeOut('Nothing to change\n');
  sayNotes(plan);
}
