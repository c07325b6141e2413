/** The console log as lines with their times. */
import { consoleDirectory } from './log-files.ts';
import { findPosition, type Range } from './log-position.ts';
import { LogReader } from './log-reader.ts';

/** A longer line comes in pieces. */
const MAX_LINE = 4096;
const NEWLINE = 10;
const RETURN = 13;

export type ConsoleEntry =
  /** `text` without its end. What else a board sends is still in it: plainText of log-text.ts takes it out. */
  | { readonly type: 'line'; readonly time: Date; readonly text: Buffer }
  /** A console session begins. */
  | { readonly type: 'session'; readonly time: Date; readonly user: string | null }
  /** So many bytes are missing here. */
  | { readonly type: 'lost'; readonly time: Date; readonly bytes: number };

function withoutReturns(line: Buffer): Buffer {
  let end = line.length;
  while (line[end - 1] === RETURN) end -= 1;
  return line.subarray(0, end);
}

/** Cuts pieces into lines. */
class Splitter {
  private begun = Buffer.alloc(0);
  private time = new Date(0);

  *push(bytes: Buffer, time: Date): Generator<ConsoleEntry> {
    for (let rest = bytes; rest.length > 0; ) {
      if (this.begun.length === 0) this.time = time;
      const newline = rest.indexOf(NEWLINE);
      const length = newline === -1 ? rest.length : newline + 1;
      const taken = rest.subarray(0, Math.min(length, MAX_LINE - this.begun.length));
      rest = rest.subarray(taken.length);
      this.begun = Buffer.concat([this.begun, taken]);
      if (taken.at(-1) === NEWLINE || this.begun.length === MAX_LINE) yield* this.end();
    }
  }

  /** The line that has begun ends here. */
  *end(): Generator<ConsoleEntry> {
    const text = this.begun.at(-1) === NEWLINE ? this.begun.subarray(0, -1) : this.begun;
    if (this.begun.length > 0) yield { type: 'line', time: this.time, text: withoutReturns(text) };
    this.begun = Buffer.alloc(0);
  }
}

/** Oldest first. The last line may have no end yet. */
export function* readConsoleLines(home: string, range: Range = {}): Generator<ConsoleEntry> {
  const directory = consoleDirectory(home);
  const reader = new LogReader(directory, findPosition(directory, range));
  const splitter = new Splitter();
  try {
    for (const { time, bytes, user, lost } of reader.read()) {
      if (user !== undefined || lost !== undefined) yield* splitter.end();
      if (user !== undefined) yield { type: 'session', time, user };
      if (lost !== undefined) yield { type: 'lost', time, bytes: lost };
      yield* splitter.push(bytes, time);
    }
    yield* splitter.end();
  } finally {
    reader.close();
  }
}
