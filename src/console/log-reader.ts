/** Reads the console log from some place on, also while it is written. */
import fs from 'node:fs';
import { logFile, logNumbers, timesFile } from './log-files.ts';
import { type Mark, MarkReader } from './log-marks.ts';

/** A place in the log. */
export interface Position {
  /** The files' number. */
  readonly number: number;
  /** Bytes of `.log` before it. */
  readonly offset: number;
}

/** Bytes that came at one time; or none, where there is something to say of what follows. */
export interface Piece extends Pick<Mark, 'user' | 'lost'> {
  readonly time: Date;
  readonly bytes: Buffer;
}

const BLOCK_BYTES = 65536;
const NO_BYTES = Buffer.alloc(0);

/** The files of one number, read on and on. */
class Files {
  readonly number: number;
  private readonly log: number;
  private readonly markReader: MarkReader;
  private marks: readonly Mark[] = [];
  /** The first of them that has not been reached. */
  private next = 0;
  private readonly start: number;
  private offset: number;
  private time: Date;

  /** @throws ENOENT when they have been removed */
  constructor(directory: string, { number, offset }: Position) {
    this.number = number;
    this.markReader = new MarkReader(timesFile(directory, number));
    this.log = fs.openSync(logFile(directory, number), 'r');
    this.start = offset;
    this.offset = offset;
    // Where marks are missing: not later than the last byte.
    this.time = fs.fstatSync(this.log).mtime;
  }

  /** What is there by now. */
  *read(): Generator<Piece> {
    // A mark is written before its bytes, so those of these bytes are there.
    const { size } = fs.fstatSync(this.log);
    this.marks = this.marks.slice(this.next).concat(this.markReader.next());
    this.next = 0;
    while (this.offset < size) {
      const block = Buffer.alloc(Math.min(BLOCK_BYTES, size - this.offset));
      const length = fs.readSync(this.log, block, 0, block.length, this.offset);
      if (length === 0) break;
      yield* this.cut(block.subarray(0, length));
    }
    yield* this.reach();
  }

  close(): void {
    fs.closeSync(this.log);
    this.markReader.close();
  }

  private *cut(block: Buffer): Generator<Piece> {
    for (let rest = block; rest.length > 0; ) {
      yield* this.reach();
      const length = (this.marks[this.next]?.at ?? Number.POSITIVE_INFINITY) - this.offset;
      const bytes = rest.subarray(0, length);
      yield { time: this.time, bytes };
      this.offset += bytes.length;
      rest = rest.subarray(bytes.length);
    }
  }

  /** The marks up to where we are. */
  private *reach(): Generator<Piece> {
    for (;;) {
      const mark = this.marks[this.next];
      if (mark === undefined || mark.at > this.offset) return;
      this.next += 1;
      const { at, time, ...news } = mark;
      this.time = new Date(time);
      const isAsked = at >= this.start && Object.keys(news).length > 0;
      if (isAsked) yield { ...news, time: this.time, bytes: NO_BYTES };
    }
  }
}

export class LogReader {
  private readonly directory: string;
  private position: Position;
  private files: Files | undefined;

  constructor(directory: string, position: Position) {
    this.directory = directory;
    this.position = position;
  }

  /** What is there by now and has not been read. */
  *read(): Generator<Piece> {
    for (;;) {
      // When it is there, nobody writes any more to those before.
      const next = logNumbers(this.directory).find((number) => number > this.position.number);
      yield* this.open()?.read() ?? [];
      if (next === undefined) return;
      this.close();
      this.position = { number: next, offset: 0 };
    }
  }

  close(): void {
    this.files?.close();
    this.files = undefined;
  }

  /** @returns undefined when they have been removed to make room, or nothing has been logged */
  private open(): Files | undefined {
    try {
      this.files ??= new Files(this.directory, this.position);
      return this.files;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }
}
