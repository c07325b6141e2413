/** Arguments of listing commands. */
import { CommandError, ExitCode } from './errors.ts';

/** Whether a command that takes nothing else was given `--json`. @throws CommandError (64) for anything else */
export function wantsJson(name: string, args: readonly string[]): boolean {
  if (args.length === 0) return false;
  if (args.length === 1 && args[0] === '--json') return true;
  throw new CommandError(`Usage: ${name} [--json]`, ExitCode.usage);
}
