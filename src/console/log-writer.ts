/** Writes what comes from a console to the log. Whatever becomes of the log, the console goes on. */
import fs from 'node:fs';
import { flock, LOCK_EX, LOCK_NB } from '../system/descriptors.ts';
import { consoleDirectory, KEPT, logFile, logNumbers, MAX_BYTES, timesFile } from './log-files.ts';
import { type Mark, markLine } from './log-marks.ts';

/** What a full file still takes of a line that does not end. */
const MAX_REST = 4096;
const NEWLINE = 10;

export interface ConsoleLog {
  /** Never throws. */
  write(bytes: Buffer): void;
  close(): void;
}

/** The open files of one number. */
interface Pair {
  readonly number: number;
  readonly log: number;
  readonly times: number;
}

/** @returns undefined where another session still writes to the files of this number */
function openPair(directory: string, number: number): Pair | undefined {
  // Readers find the pair by its log.
  const times = fs.openSync(timesFile(directory, number), 'a', 0o600);
  let log: number | undefined;
  try {
    log = fs.openSync(logFile(directory, number), 'a', 0o600);
    flock(log, LOCK_EX | LOCK_NB);
    return { number, log, times };
  } catch (error) {
    for (const fd of [times, log]) if (fd !== undefined) fs.closeSync(fd);
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  }
}

function removeBefore(directory: string, first: number): void {
  for (const number of logNumbers(directory)) {
    if (number >= first) return;
    fs.rmSync(logFile(directory, number), { force: true });
    fs.rmSync(timesFile(directory, number), { force: true });
  }
}

class Writer implements ConsoleLog {
  private readonly directory: string;
  private readonly tell: (message: string) => void;
  private pair: Pair | undefined;
  /** Bytes in `.log` and in `.times`. */
  private size = 0;
  private timesSize = 0;
  private atLineStart = true;
  /** `.times` may end with half a line. */
  private isTorn = false;
  /** Unix time of the last mark in these files, in ms. */
  private marked = 0;
  /** What the next mark has to say besides its time. */
  private news: Pick<Mark, 'user' | 'lost'>;
  private hasTold = false;

  constructor(directory: string, user: string | undefined, tell: (message: string) => void) {
    this.directory = directory;
    this.tell = tell;
    this.news = { user: user ?? null };
    this.attempt(() => {
      fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
      this.open(logNumbers(directory).at(-1) ?? 1);
      this.mark();
    });
  }

  write(bytes: Buffer): void {
    const begin = this.isFull() ? this.nextLine(bytes) : undefined;
    this.append(bytes.subarray(0, begin));
    if (begin === undefined) return;
    this.attempt(() => this.open((this.pair?.number ?? 0) + 1));
    this.append(bytes.subarray(begin));
  }

  close(): void {
    if (this.pair === undefined) return;
    fs.closeSync(this.pair.log);
    fs.closeSync(this.pair.times);
    this.pair = undefined;
  }

  /** The user hears of the first thing that goes wrong; mostly the others come of that. */
  private attempt(deed: () => void): void {
    try {
      deed();
    } catch (error) {
      if (this.hasTold) return;
      this.hasTold = true;
      this.tell(`Not all of the console is logged: ${(error as Error).message}`);
    }
  }

  private isFull(): boolean {
    return this.size + this.timesSize >= MAX_BYTES;
  }

  /** Where in these bytes the next file may begin: with a line, but it does not wait for ever for one. */
  private nextLine(bytes: Buffer): number | undefined {
    const end = this.atLineStart ? 0 : bytes.indexOf(NEWLINE) + 1;
    const mayWait = this.size + this.timesSize < MAX_BYTES + MAX_REST;
    return end === 0 && !this.atLineStart && mayWait ? undefined : end;
  }

  /**
   * Opens the files of the first number from this one on that nobody else writes to and that has room. Where that
   * fails, logging has ended.
   */
  private open(first: number): void {
    this.close();
    for (let number = first; ; number += 1) {
      removeBefore(this.directory, number - KEPT + 1);
      this.pair = openPair(this.directory, number);
      if (this.pair === undefined) continue;
      this.size = fs.fstatSync(this.pair.log).size;
      this.timesSize = fs.fstatSync(this.pair.times).size;
      this.isTorn = this.timesSize > 0;
      this.atLineStart = true;
      this.marked = 0;
      if (!this.isFull()) return;
      this.close();
    }
  }

  private append(bytes: Buffer): void {
    const log = this.pair?.log;
    if (log === undefined || bytes.length === 0) return;
    const newline = bytes.indexOf(NEWLINE);
    const beginsLine = this.atLineStart || (newline !== -1 && newline < bytes.length - 1);
    if (beginsLine || this.news.lost !== undefined) this.attempt(() => this.mark());
    this.atLineStart = bytes.at(-1) === NEWLINE;
    let rest = bytes;
    this.attempt(() => {
      while (rest.length > 0) {
        const written = fs.writeSync(log, rest);
        this.size += written;
        rest = rest.subarray(written);
      }
    });
    if (rest.length > 0) this.news = { ...this.news, lost: (this.news.lost ?? 0) + rest.length };
  }

  /** Notes when what comes next came. */
  private mark(): void {
    const time = Date.now();
    if (this.pair === undefined || (time === this.marked && Object.keys(this.news).length === 0)) return;
    const line = (this.isTorn ? '\n' : '') + markLine({ at: this.size, time, ...this.news });
    this.isTorn = true;
    const written = fs.writeSync(this.pair.times, line);
    this.timesSize += written;
    if (written < line.length) return;
    this.isTorn = false;
    this.marked = time;
    this.news = {};
  }
}

/**
 * Begins a session in the log.
 *
 * @param tell gets one line at most, if the log cannot be written
 */
export function openConsoleLog(
  home: string,
  user: string | undefined,
  tell: (message: string) => void,
): ConsoleLog {
  return new Writer(consoleDirectory(home), user, tell);
}
