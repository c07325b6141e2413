/** What is to be changed on the host, found before anything is done, and done as a whole or not at all. */
import fs from 'node:fs';
import { constants } from 'node:os';
import { setImmediate as turn } from 'node:timers/promises';
import { lastLine, runProgram } from '../power-off/programs.ts';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { systemLog } from '../shell/system-log.ts';
import { flock, LOCK_EX, LOCK_NB } from '../system/descriptors.ts';
import { errorWords } from '../system/error-words.ts';

export interface Change {
  /** A line of the difference, as in `+ directory /home/board`; what belongs to it follows in indented lines. */
  readonly text: string;
  /** All of it, or nothing and an error. */
  apply(): void | Promise<void>;
  /** None for what cannot be undone. */
  undo?(): void | Promise<void>;
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

/** After a failure: takes back what this run did. @returns what to tell */
async function takeBack(done: readonly Change[], what: string, error: unknown): Promise<CommandError> {
  const left = await undo(done);
  const undone = left.length > 0 ? `not undone: ${left.join(', ')}` : 'nothing was changed';
  const { exitCode } = error instanceof CommandError ? error : { exitCode: ExitCode.failed };
  return new CommandError(`${what}; ${undone}`, exitCode, { cause: error });
}

/**
 * Makes the changes one by one. If one fails, or a signal arrives, what this run did is undone, in reverse.
 *
 * @param said tells of each that was made
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
        throw await takeBack(done, `Ended by ${signal}`, new CommandError('', status));
      }
      try {
        await change.apply();
      } catch (error) {
        throw await takeBack(done, `${title(change)}: ${errorWords(error)}`, error);
      }
      done.push(change);
    }
    if (done.length > 0) systemLog('info', done.map(title), 'novaboot-admin');
    for (const change of done) said(change);
  } finally {
    signals.stop();
  }
}

const LOCK_FILE = '/run/novaboot-admin.lock';

/** Looks at the host and changes it while no other novaboot-admin does. */
export async function changing<T>(work: () => Promise<T>): Promise<T> {
  const fd = fs.openSync(LOCK_FILE, 'a', 0o600);
  try {
    flock(fd, LOCK_EX | LOCK_NB);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    throw new CommandError('Another novaboot-admin is at work; try again when it has ended', ExitCode.busy);
  }
  try {
    return await work();
  } finally {
    fs.closeSync(fd);
  }
}
