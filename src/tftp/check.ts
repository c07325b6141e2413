/** --check: what is wrong in a configuration. */
import { writeLine } from '../system/log.ts';
import { type Config, readConfig } from './config.ts';
import { ConfigError } from './config-error.ts';
import { makePlan } from './plan.ts';

function read(file: string): Config | readonly string[] {
  try {
    return readConfig(file);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

/** All problems, those of the trees too. */
export function findProblems(file: string): readonly string[] {
  const config = read(file);
  return 'boards' in config ? makePlan(config).warnings : config;
}

/** Tells them on stderr. @returns whether there are none */
export function check(file: string): boolean {
  const problems = findProblems(file);
  for (const problem of problems) writeLine(2, problem);
  return problems.length === 0;
}
