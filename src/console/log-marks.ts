/** The times of the console log: JSON lines `[at, time]` or `[at, time, {"user":…}]`, at most one for each line of the log. */
import fs from 'node:fs';

/** What is known of the bytes from `at` on, to the next mark. */
export interface Mark {
  /** Offset in `.log`. */
  readonly at: number;
  /** When they came: Unix time in ms. */
  readonly time: number;
  /** A console session begins; its user, if the key names one. */
  readonly user?: string | null;
  /** Bytes that are missing before these. */
  readonly lost?: number;
}

export function markLine({ at, time, ...news }: Mark): string {
  return `${JSON.stringify(Object.keys(news).length > 0 ? [at, time, news] : [at, time])}\n`;
}

/** @returns undefined for half a line, from a disk that was full */
function parseMark(line: string): Mark | undefined {
  try {
    const [at, time, news] = JSON.parse(line);
    return Number.isSafeInteger(at) && Number.isSafeInteger(time) ? { ...news, at, time } : undefined;
  } catch {
    return undefined;
  }
}

/** Reads marks on and on. */
export class MarkReader {
  private readonly fd: number;
  private rest = '';

  constructor(file: string) {
    this.fd = fs.openSync(file, 'r');
  }

  /** Those that have been written since the last time. */
  next(): Mark[] {
    const lines = (this.rest + fs.readFileSync(this.fd, 'latin1')).split('\n');
    this.rest = lines.pop() ?? '';
    return lines.flatMap((line) => parseMark(line) ?? []);
  }

  close(): void {
    fs.closeSync(this.fd);
  }
}
