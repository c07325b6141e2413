/** A file of JSON lines that servers append to. It is bounded in size and rate, and no reason not to serve. */
import fs from 'node:fs';
import type { BootRecord, LeftOutRecord } from './boot-records.ts';
import type { Log } from './log.ts';

/** Past this size the file starts anew; one older file is kept, FILE.1 */
const MAX_BYTES = 256 * 1024;
/** Records of a kind in a period. */
const MAX_RECORDS = 300;
const PERIOD_MS = 60_000;

// O_NONBLOCK: for a FIFO in its place nobody waits.
const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = fs.constants;

/** A kind's period. */
interface Period {
  /** Milliseconds, as performance.now() has them. */
  readonly beganAt: number;
  readonly time: string;
  records: number;
  leftOut: number;
}

export interface JournalFileOptions {
  readonly file: string;
  readonly log: Log;
  /** Called with the descriptor whenever the file was opened. */
  readonly opened?: (fd: number) => void;
}

export class JournalFile {
  private readonly options: JournalFileOptions;
  private fd: number | undefined;
  private readonly periods = new Map<string, Period>();
  private isBroken = false;

  constructor(options: JournalFileOptions) {
    this.options = options;
  }

  /**
   * @param kind what is limited apart from others
   * @param record is called if there is room for it
   * @param most of these records in a minute
   */
  append(kind: string, record: () => BootRecord, most = MAX_RECORDS): void {
    const now = performance.now();
    let period = this.periods.get(kind);
    if (period === undefined || now - period.beganAt >= PERIOD_MS) {
      if (period !== undefined && period.leftOut > 0) this.write(leftOut(kind, period));
      period = { beganAt: now, time: new Date().toISOString(), records: 0, leftOut: 0 };
      this.periods.set(kind, period);
    }
    if (period.records >= most) {
      period.leftOut += 1;
      return;
    }
    period.records += 1;
    this.write(record());
  }

  private write(record: BootRecord): void {
    const { file, log } = this.options;
    try {
      this.writeLine(Buffer.from(`${JSON.stringify(record)}\n`));
      this.isBroken = false;
    } catch (error) {
      if (!this.isBroken) log('warning', `${file}: ${(error as Error).message}`);
      this.isBroken = true;
    }
  }

  private writeLine(line: Buffer): void {
    const fd = this.writable();
    const written = fs.writeSync(fd, line);
    if (written === line.length) return;
    // The next record would be taken for the rest of it.
    fs.ftruncateSync(fd, fs.fstatSync(fd).size - written);
    throw new Error('no room for a whole line');
  }

  /** Opens the file if it is not open, and the next one if it is full, or was removed. */
  private writable(): number {
    if (this.fd !== undefined) {
      const { nlink, size } = fs.fstatSync(this.fd);
      if (nlink > 0 && size < MAX_BYTES) return this.fd;
      fs.closeSync(this.fd);
      this.fd = undefined;
    }
    const { file, opened } = this.options;
    // Another process may have begun the next file already.
    const found = fs.lstatSync(file, { throwIfNoEntry: false });
    if (found !== undefined && found.size >= MAX_BYTES) fs.renameSync(file, `${file}.1`);
    this.fd = fs.openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
    opened?.(this.fd);
    return this.fd;
  }
}

function leftOut(of: string, { time, leftOut: count }: Period): LeftOutRecord {
  return { version: 1, event: 'left-out', time, of, count };
}
