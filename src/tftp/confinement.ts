/**
 * A worker confined by Landlock: it reads the trees, writes the boards' journals, and reads what Node needs. Landlock
 * binds the thread that asks for it and those made later, so the program replaces itself afterwards: every thread is
 * born confined.
 */
import { constants } from 'node:os';
import { CONFINED_ENVIRONMENT, programRules, rulesFor } from '../system/confined-node.ts';
import { confine, landlockAbi } from '../system/landlock.ts';
import type { Log } from '../system/log.ts';
import { replaceProcess, setParentDeathSignal } from '../system/process.ts';
import { StartError } from '../system/start-error.ts';
import type { Place } from './place.ts';
import { readPlan } from './plan.ts';
import { type Stage, socketsOf, stageVariable } from './stage.ts';

export function serveConfined(stage: Stage, log: Log): never {
  // Without the supervisor nobody would end us.
  setParentDeathSignal(constants.signals.SIGKILL);
  if (process.ppid !== stage.supervisor) throw new StartError('the supervisor is gone');
  const { places, journal } = readPlan();
  const pathsOf = (all: readonly Place[]) => all.map(({ path }) => path);
  const rules = [
    ...programRules(),
    ...rulesFor('read', pathsOf(places)),
    ...rulesFor('files', pathsOf(journal ? [journal] : [])),
  ];
  const landlock = landlockAbi();
  if (landlock > 0) confine(rules, landlock);
  else log('warning', 'this kernel lacks Landlock: the server is not confined');
  const { execPath: file, execArgv, argv } = process;
  // SIGUSR1 would open Node's debugger.
  const args = [file, '--disable-sigusr1', ...execArgv, ...argv.slice(1)];
  const env = { ...CONFINED_ENVIRONMENT, ...stageVariable({ ...stage, stage: 'serve' }) };
  return replaceProcess({ file, args, env }, socketsOf(stage));
}
