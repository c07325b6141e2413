/** What the doctor says: a thing that is wrong, why that matters and what to do, or a thing that is in order. */

/** An error keeps somebody from working or lets somebody in; a warning may do so one day. */
export type Severity = 'error' | 'warning' | 'ok';

/** Texts may quote files and devices as they are: whoever shows them makes them printable. */
export interface Finding {
  /** For programs: the name of the check. */
  readonly check: string;
  readonly severity: Severity;
  /** What it is about: `host`, a board's account, or a file. */
  readonly subject: string;
  /** One sentence without a full stop. */
  readonly what: string;
  /** Sentences; empty for what is in order. */
  readonly why: string;
  readonly fix: string;
}

/** What a finding says, besides its check's name, which runChecks adds. */
export type Said = Omit<Finding, 'check'>;

export function inOrder(subject: string, what: string): Said {
  return { severity: 'ok', subject, what, why: '', fix: '' };
}

/** A look at one thing. It reads; it changes nothing. */
export interface Check<Context> {
  readonly name: string;
  /**
   * @param signal comes when time is up: what it says after that is lost
   * @returns nothing where it does not apply
   */
  run(context: Context, signal: AbortSignal): readonly Said[] | Promise<readonly Said[]>;
}
