/** Why a server does not start. */

/** sysexits(3) where one fits. */
export const ExitCode = {
  failed: 1,
  usage: 64,
  bug: 70,
  alreadyRunning: 75,
  configuration: 78,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** What is told in one line, without the program's name in front, and the exit status. */
export class StartError extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = ExitCode.failed, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartError';
    this.exitCode = exitCode;
  }
}
