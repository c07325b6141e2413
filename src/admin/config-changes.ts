/** ~/.novaboot-shell, the board's configuration. */
import path from 'node:path';
import type { Plan } from './change.ts';
import type { BoardConfig } from './desired.ts';
import { fileChange, readHomeFile } from './home-file.ts';
import type { Subject } from './subject.ts';
import { configFile, hasConfig } from './template.ts';
import { conflictText, isUntouched } from './written-file.ts';

const FILE = '.novaboot-shell';

/** @param config undefined: any file will do, and a new one sets nothing */
export function configPlan(subject: Subject, config: BoardConfig | undefined): Plan {
  const before = subject.resident && readHomeFile(subject.resident, FILE);
  const none = { changes: [], conflicts: [], notes: [] };
  const after = configFile(config ?? {});
  if (before === after) return none;
  if (before !== undefined && (config === undefined || hasConfig(before, config))) return none;
  if (before !== undefined && !isUntouched(before)) {
    const said = conflictText(path.join(subject.home, FILE));
    return { ...none, conflicts: [said] };
  }
  return { ...none, changes: [fileChange(subject.account, subject.home, FILE, { before, after })] };
}
