/** What stands behind a command's name. */
import type { CommandEntry, CommandTable } from './command.ts';
import { CommandError, ExitCode } from './errors.ts';

/** Whether a command that takes nothing else was given `--json`. @throws CommandError (64) for anything else */
export function wantsJson(name: string, args: readonly string[]): boolean {
  if (args.length === 0) return false;
  if (args.length === 1 && args[0] === '--json') return true;
  throw new CommandError(`Usage: ${name} [--json]`, ExitCode.usage);
}

/** All that may be said with a command, a line each. */
export function formsOf({ name, parameters = '', forms = [parameters] }: CommandEntry): string[] {
  return forms.map((form) => `${name} ${form}`.trim());
}

/** The refusal of arguments that a command does not have. */
export function usage(name: string, table: CommandTable): CommandError {
  const forms = table.filter((command) => command.name === name).flatMap(formsOf);
  return new CommandError(`Usage: ${forms.join(', ')}`, ExitCode.usage);
}
