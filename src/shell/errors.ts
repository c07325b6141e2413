import { refusalWords } from '../system/error-words.ts';

/** Exit statuses: sysexits(3) where one fits. Never 255, which is ssh's own. */
export const ExitCode = {
  failed: 1,
  usage: 64,
  notConfigured: 69,
  bug: 70,
  busy: 75,
  notAllowed: 77,
  configuration: 78,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** What a user is told: one line without the `novaboot-shell: ` in front, and the exit status. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = ExitCode.failed, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}

/** What the system refused (FileError, SystemError, and what Node's fs throws), in its own words, which name the file. */
export function systemRefusal(command: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || error instanceof TypeError) return error;
  return new CommandError(`${command}: ${refusalWords(error)}`, ExitCode.failed, { cause: error });
}
