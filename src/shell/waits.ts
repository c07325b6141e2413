/** How often and how long sessions have waited for the board: a file for novaboot-admin's metrics. */
import fs from 'node:fs';
import path from 'node:path';
import { readRegularFile } from '../system/regular-file.ts';

/** Waits that ended with the board; those that were given up are not in it. */
export interface Waits {
  readonly count: number;
  /** Of all together. */
  readonly seconds: number;
}

const MAX_BYTES = 64;

function waitsFile(home: string): string {
  return path.join(home, '.local/state/novaboot/waits');
}

export function readWaits(home: string): Waits {
  let text = '';
  try {
    text = readRegularFile(waitsFile(home), MAX_BYTES)?.toString('latin1') ?? '';
  } catch {
    // What is no such file counts as none.
  }
  const [, count = 0, seconds = 0] = /^(\d{1,15}) (\d{1,15}(?:\.\d{1,3})?)\n$/.exec(text) ?? [];
  return { count: Number(count), seconds: Number(seconds) };
}

/** For the one who has the board now, so that nobody else writes it. A full disk is no reason to refuse the board. */
export function noteWait(home: string, seconds: number): void {
  const file = waitsFile(home);
  const before = readWaits(home);
  const text = `${before.count + 1} ${(before.seconds + seconds).toFixed(3)}\n`;
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    fs.writeFileSync(`${file}.new`, text, { mode: 0o600 });
    fs.renameSync(`${file}.new`, file);
  } catch {
    // As above.
  }
}
