/** What is to be changed on the host, found before anything is done, and done as a whole or not at all. */
import { constants } from 'node:os';
import { setImmediate as turn } from 'node:timers/promises';
import { lastLine, runProgram } from '../power-off/programs.ts';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { systemLog } from '../shell/system-log.ts';
import { errorWords } from '../system/error-words.ts';

export interface Change {
  /** A line of the difference, as in `+ directory /home/board`; what belongs to it follows in indented lines. */
  readonly text: string;
  /** All of it, or nothing and an error. */
  apply(): void | Promise<void>;
  /** None for what cannot be undone. */
  undo?(): void | Promise<void>;
  /**
   * There is no way back once it is done, or begun, even if it fails then: what was done before it stays, and has to be
   * completed.
   */
  readonly isFinal?: 'done' | 'begun';
}

/** What leads to the desired state; no changes where that is so already. */
export interface Plan {
  readonly changes: readonly Change[];
  /** Files that somebody has written by hand, and that say something else. They are left alone. */
  readonly conflicts: readonly string[];
  /** What else the administrator should know. */
  readonly notes: readonly string[];
}

/** The first line, for messages: what follows may hold secrets. */
function title({ text }: Change): string {
  return text.split('\n', 1)[0]?.slice(2) ?? '';
}

/** Runs a program that changes the host. @returns what it prints @throws CommandError with its last line */
export function runChange(file: string, args: readonly string[]): string {
  // Ended in the middle, it would leave half of what it does.
  const { status, stdout, stderr, error } = runProgram(file, args, { inSession: false });
  if (status === 0) return stdout;
  const why = lastLine(stderr) || lastLine(stdout) || error?.message || `status ${status}`;
  throw new CommandError(why.startsWith(`${file}: `) ? why : `${file}: ${why}`, ExitCode.failed);
}

/** @returns what could not be undone */
async function undo(done: readonly Change[]): Promise<string[]> {
  const left: string[] = [];
  for (const change of done.toReversed()) {
    try {
      if (change.undo === undefined) left.push(title(change));
      else await change.undo();
    } catch (error) {
      left.push(`${title(change)} (${errorWords(error)})`);
    }
  }
  return left;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Notes a signal instead of ending in the middle. */
function noteSignals(): { received(): (typeof SIGNALS)[number] | undefined; stop(): void } {
  let received: (typeof SIGNALS)[number] | undefined;
  const note = (signal: NodeJS.Signals) => {
    received = signal as (typeof SIGNALS)[number];
  };
  for (const signal of SIGNALS) process.on(signal, note);
  return {
    received: () => received,
    stop: () => {
      for (const signal of SIGNALS) process.off(signal, note);
    },
  };
}

/** What a run has done so far, and what becomes of it. */
interface Done {
  readonly changes: readonly Change[];
  /** That it was in the middle of. */
  readonly failed?: Change;
}

/**
 * After a failure: takes back what this run did since there was a way back.
 *
 * @param said tells of each change that stays
 * @returns what to tell
 */
async function takeBack(
  { changes, failed }: Done,
  said: (change: Change) => void,
  what: string,
  error: unknown,
): Promise<CommandError> {
  const isBegun = failed?.isFinal === 'begun';
  const last = isBegun ? changes.length : changes.findLastIndex(({ isFinal }) => isFinal !== undefined);
  const stays = changes.slice(0, last + 1);
  const left = await undo(changes.slice(last + 1));
  tell(stays, said);
  const undone = [
    ...(left.length > 0 ? [`not undone: ${left.join(', ')}`] : []),
    ...(stays.length > 0 ? [`what is listed was done, and stays (changes: ${stays.length})`] : []),
    ...(last >= 0 ? ['say this again to complete it'] : []),
  ];
  const { exitCode } = error instanceof CommandError ? error : { exitCode: ExitCode.failed };
  return new CommandError(`${what}; ${undone.join('; ') || 'nothing was changed'}`, exitCode, {
    cause: error,
  });
}

function tell(done: readonly Change[], said: (change: Change) => void): void {
  if (done.length > 0) systemLog('info', done.map(title), 'novaboot-admin');
  for (const change of done) said(change);
}

/**
 * Makes the changes one by one. If one fails, or a signal arrives, what this run did is undone, in reverse, up to where
 * there is no way back.
 *
 * @param said tells of each that was made and stays
 */
export async function applyChanges(
  changes: readonly Change[],
  said: (change: Change) => void = () => {},
): Promise<void> {
  const done: Change[] = [];
  const signals = noteSignals();
  try {
    for (const change of changes) {
      await turn();
      const signal = signals.received();
      if (signal !== undefined) {
        const status = (128 + constants.signals[signal]) as ExitCode;
        throw await takeBack({ changes: done }, said, `Ended by ${signal}`, new CommandError('', status));
      }
      try {
        await change.apply();
      } catch (error) {
        const what = `${title(change)}: ${errorWords(error)}`;
        throw await takeBack({ changes: done, failed: change }, said, what, error);
      }
      done.push(change);
    }
    tell(done, said);
  } finally {
    signals.stop();
  }
}
