/** What is wrong in the configuration, all of it. */
import { ExitCode, StartError } from '../system/start-error.ts';

/** Each of `problems` is `FILE:LINE: KEY: what is expected`. */
export class ConfigError extends StartError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: ErrorOptions) {
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more, see --check)` : '';
    super(`${problems[0]}${more}`, ExitCode.configuration, options);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
