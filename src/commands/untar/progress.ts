/** How far it has come: one line of a terminal, written anew a few times a second. */
import tty from 'node:tty';
import { writeError } from '../../shell/output.ts';
import { duration, size } from '../../shell/text.ts';

const INTERVAL_MS = 200;
/** Before that, nobody knows how long it will take. */
const ESTIMATE_MS = 2000;

/** CSI sequences of ECMA-48: to the begin of the line, and erase it. */
const CLEAR = '\r\x1b[K';

export interface Sum {
  /** Of the archive: read, and in all if that is known. */
  readonly read: number;
  readonly total: number | undefined;
  readonly files: number;
  readonly bytes: number;
}

/** Fits into 80 columns. */
export function progressLine({ read, total, files, bytes }: Sum, ms: number): string {
  const line = `${size(bytes)}, ${files} files, ${size((bytes * 1000) / Math.max(ms, 1))}/s`;
  if (total === undefined || total === 0 || read === 0) return line;
  const part = Math.min(read / total, 1);
  const left = ms < ESTIMATE_MS ? '' : `, ${duration(Math.ceil((ms / part - ms) / 1000))} left`;
  return `${Math.floor(part * 100)} %: ${line}${left}`;
}

export class Progress {
  private readonly begin = performance.now();
  private shownAt = this.begin;
  private isShown = false;
  private readonly isTerminal: boolean;

  constructor(isTerminal = tty.isatty(2)) {
    this.isTerminal = isTerminal;
  }

  get ms(): number {
    return performance.now() - this.begin;
  }

  /** To be called often. */
  show(sum: Sum): void {
    if (!this.isTerminal) return;
    const now = performance.now();
    if (now - this.shownAt < INTERVAL_MS) return;
    this.shownAt = now;
    this.say(progressLine(sum, this.ms));
  }

  /** Something that takes a while begins. */
  say(line: string): void {
    if (!this.isTerminal) return;
    this.isShown = true;
    writeError(`${CLEAR}${line}`);
  }

  /** Before something else is written, and at the end. */
  clear(): void {
    if (this.isShown) writeError(CLEAR);
    this.isShown = false;
  }
}
