/** --check: what is wrong in a configuration. */
import { writeLine } from '../system/log.ts';
import { type Config, ConfigError, readConfig } from './config.ts';
import { makePlan } from './plan.ts';

function read(file: string): Config | readonly string[] {
  try {
    return readConfig(file);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

/** Tells all problems on stderr, those of the trees too. @returns whether there are none */
export function check(file: string): boolean {
  const config = read(file);
  const problems = 'boards' in config ? makePlan(config).warnings : config;
  for (const problem of problems) writeLine(2, problem);
  return problems.length === 0;
}
