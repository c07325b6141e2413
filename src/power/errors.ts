/** What drivers say when something is wrong: CommandErrors, as one line. */
import { CommandError, ExitCode } from '../shell/errors.ts';
import { printable } from '../shell/text.ts';

/** The device was not reached, so that nothing is switched yet. */
export class UnreachableError extends CommandError {}

/** A value of `power=` that is none. */
export function badSpec(message: string): CommandError {
  return new CommandError(`power=: ${message}`, ExitCode.configuration);
}

/** The first line of what a device or a program says, as far as it fits into a message. */
export function shown(text: string): string {
  const line = printable(text.trim().split('\n', 1)[0] ?? '');
  return line.length > 120 ? `${line.slice(0, 120)}...` : line;
}
