/** Tells what is wrong with the board and its host, or with a root file system, and what to do about it. */
import os from 'node:os';
import { parseArgs } from 'node:util';
import { boardChecks } from '../doctor/board/checks.ts';
import { boardContext } from '../doctor/board/context.ts';
import type { Finding } from '../doctor/finding.ts';
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
        board: { type: 'boolean', default: false },
        verbose: { type: 'boolean', short: 'v', default: false },
      },
    });
    const [root, name, ...rest] = positionals;
    const isRoot = root === 'root' && !values.board;
    if (rest.length > 0 || (root !== undefined && !isRoot)) throw usage('doctor', table);
    return { isRoot, name, only: values.board, json: values.json, all: values.verbose };
  } catch {
    throw usage('doctor', table);
  }
}

async function machineFindings(): Promise<Finding[]> {
  const { machineChecks } = await import('../doctor/machine/checks.ts');
  return await runChecks(machineChecks, undefined);
}

async function unitFindings({ env }: Session): Promise<Finding[]> {
  const { units } = await import('../doctor/units.ts');
  return await runChecks([units], { name: os.userInfo().username, env, before: [] });
}

/** @param only what novaboot-admin can't see from outside: not the machine, and not the account's systemd */
async function boardFindings(session: Session, only: boolean): Promise<Finding[]> {
  const found = await Promise.all([
    only ? [] : machineFindings(),
    boardContext(session).then((context) => runChecks(boardChecks, context)),
    only ? [] : unitFindings(session),
  ]);
  return found.flat();
}

/** @returns 1 if there is an error */
export async function run(session: Session, args: readonly string[], table: CommandTable): Promise<number> {
  const { isRoot, name, only, json, all } = parse(args, table);
  if (!isRoot) return reportFindings(await boardFindings(session, only), { json, all });
  const { rootFindings } = await import('./doctor/root.ts');
  return reportFindings(await rootFindings(session, name), { json, all });
}
