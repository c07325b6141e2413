/** What went wrong with a root file system, in words for its user. */
export class RootError extends Error {
  /** sysexits(3) where one fits, as in the commands that pass it on. */
  readonly exitCode: number;

  constructor(message: string, exitCode = 1, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RootError';
    this.exitCode = exitCode;
  }
}
