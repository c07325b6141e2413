/** Finds the place in the console log from which on somebody wants to read. */
import fs from 'node:fs';
import { logFile, logNumbers, timesFile } from './log-files.ts';
import { type Mark, MarkReader } from './log-marks.ts';
import type { Position } from './log-reader.ts';

/** Where to begin; the later place counts. */
export interface Range {
  readonly since?: Date | undefined;
  /** So many lines before the end. */
  readonly last?: number | undefined;
}

const BEGINNING: Position = { number: 0, offset: 0 };
const NEWLINE = 10;

interface Content {
  readonly number: number;
  readonly log: Buffer;
  readonly marks: readonly Mark[];
}

/** @returns undefined when it has been removed meanwhile, to make room */
function readContent(directory: string, number: number): Content | undefined {
  try {
    const log = fs.readFileSync(logFile(directory, number));
    const reader = new MarkReader(timesFile(directory, number));
    const marks = reader.next();
    reader.close();
    return { number, log, marks };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Where sessions begin, which is also where lines do. In ascending order. */
function sessionStarts({ marks }: Content): number[] {
  return marks.flatMap(({ at, user }) => (user === undefined ? [] : [at]));
}

/** Where the first line begins that does so at this offset or behind it. */
function firstStart(content: Content, offset: number): number {
  const { log } = content;
  const newline = offset === 0 ? -1 : log.indexOf(NEWLINE, offset - 1);
  const line = newline === -1 && offset > 0 ? log.length : newline + 1;
  return Math.min(line, sessionStarts(content).find((start) => start >= offset) ?? log.length);
}

/** Where lines begin, the last one first. One by one: a board may print nothing but line ends. */
function* startsFromEnd(content: Content): Generator<number> {
  const { log } = content;
  const sessions = sessionStarts(content).filter((start) => start < log.length);
  for (let end = log.length; end > 0; ) {
    const newline = end > 1 ? log.lastIndexOf(NEWLINE, end - 2) : -1;
    const session = sessions.at(-1) ?? 0;
    end = Math.max(newline + 1, session);
    while (sessions.length > 0 && (sessions.at(-1) ?? 0) >= end) sessions.pop();
    yield end;
  }
}

function positionSince(directory: string, since: Date): Position {
  let end = BEGINNING;
  for (const number of logNumbers(directory)) {
    const content = readContent(directory, number);
    const first = content?.marks.find(({ time }) => time >= since.getTime());
    if (content === undefined) continue;
    end = { number, offset: content.log.length };
    // Its bytes may begin with the rest of an older line.
    if (first !== undefined) return { number, offset: firstStart(content, first.at) };
  }
  return end;
}

function positionOfLast(directory: string, last: number): Position {
  let missing = last;
  for (const number of logNumbers(directory).reverse()) {
    const content = readContent(directory, number);
    if (content === undefined) continue;
    if (missing === 0) return { number, offset: content.log.length };
    for (const offset of startsFromEnd(content)) {
      missing -= 1;
      if (missing === 0) return { number, offset };
    }
  }
  return BEGINNING;
}

export function findPosition(directory: string, { since, last }: Range): Position {
  const a = since === undefined ? BEGINNING : positionSince(directory, since);
  const b = last === undefined ? BEGINNING : positionOfLast(directory, last);
  return a.number > b.number || (a.number === b.number && a.offset > b.offset) ? a : b;
}
