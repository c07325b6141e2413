/** Tells what is wrong with the board and its host, or with a root file system, and what to do about it. */
import { parseArgs } from 'node:util';
import { boardChecks } from '../doctor/board/checks.ts';
import { boardContext } from '../doctor/board/context.ts';
import type { Finding } from '../doctor/finding.ts';
import { machineChecks } from '../doctor/machine/checks.ts';
import { reportFindings } from '../doctor/report.ts';
import { runChecks } from '../doctor/run-checks.ts';
import type { Session } from '../shell/command.ts';
import { CommandError, ExitCode } from '../shell/errors.ts';

const USAGE = 'Usage: doctor [-v] [--json] [root [NAME]]';

function parse(args: readonly string[]) {
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
    if (rest.length > 0 || (root !== undefined && root !== 'root')) throw new Error(USAGE);
    return { isRoot: root !== undefined, name, json: values.json, all: values.verbose };
  } catch {
    throw new CommandError(USAGE, ExitCode.usage);
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
export async function run(session: Session, args: readonly string[]): Promise<number> {
  const { isRoot, name, json, all } = parse(args);
  if (!isRoot) return reportFindings(await boardFindings(session), { json, all });
  const { rootFindings } = await import('./doctor/root.ts');
  return reportFindings(await rootFindings(session, name), { json, all });
}
