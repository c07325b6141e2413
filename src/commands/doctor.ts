/** Tells what is wrong with the board and its host, or with a root file system, and what to do about it. */
import { parseArgs } from 'node:util';
import { boardChecks } from '../doctor/board/checks.ts';
import { boardContext } from '../doctor/board/context.ts';
import type { Finding } from '../doctor/finding.ts';
import { machineChecks } from '../doctor/machine/checks.ts';
import { reportFindings } from '../doctor/report.ts';
import { runChecks } from '../doctor/run-checks.ts';
import { usage } from '../shell/arguments.ts';
import type { CommandTable, Session } from '../shell/command.ts';

function parse(args: readonly string[], table: CommandTable) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        verbose: { type: 'boolean', short: 'v', default: false },
      },
    });
    const [root, name, ...rest] = positionals;
    if (rest.length > 0 || (root !== undefined && root !== 'root')) throw usage('doctor', table);
    return { isRoot: root !== undefined, name, json: values.json, all: values.verbose };
  } catch {
    throw usage('doctor', table);
  }
}

async function boardFindings(session: Session): Promise<Finding[]> {
  const [machine, board] = await Promise.all([
    runChecks(machineChecks, undefined),
    boardContext(session).then((context) => runChecks(boardChecks, context)),
  ]);
  return [...machine, ...board];
}

/** @returns 1 if there is an error */
export async function run(session: Session, args: readonly string[], table: CommandTable): Promise<number> {
  const { isRoot, name, json, all } = parse(args, table);
  if (!isRoot) return reportFindings(await boardFindings(session), { json, all });
  const { rootFindings } = await import('./doctor/root.ts');
  return reportFindings(await rootFindings(session, name), { json, all });
}
