/** Tells how far the last boot of the board came, and why not further. */
import { wantsJson } from '../shell/arguments.ts';
import type { Session } from '../shell/command.ts';
import { systemRefusal } from '../shell/errors.ts';
import { writeJson, writeOut } from '../shell/output.ts';
import { diagnose } from './why/diagnosis.ts';
import { gather } from './why/gather.ts';
import { reportJson, reportText } from './why/report.ts';

/** @throws CommandError (1, 78) */
function known(session: Session): ReturnType<typeof gather> {
  try {
    return gather(session);
  } catch (error) {
    throw systemRefusal('why', error);
  }
}

export function run(session: Session, args: readonly string[]): void {
  const json = wantsJson('why', args);
  const { situation, notes } = known(session);
  const finding = diagnose(situation);
  if (json) writeJson(reportJson(finding, situation, notes));
  else writeOut(reportText(finding, situation, finding.verdict === 'up' ? [] : notes));
}
