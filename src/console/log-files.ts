/**
 * Where the console log lies: pairs of files with numbers that only grow. `7.log` has the bytes as they came and begins
 * with the beginning of a line, `7.times` tells when they came.
 */
import fs from 'node:fs';
import path from 'node:path';

/** A pair of files together; then the next number begins. */
export const MAX_BYTES = 8 * 1024 * 1024;
/** Pairs. */
export const KEPT = 4;

export function consoleDirectory(home: string): string {
  return path.join(home, '.local/state/novaboot/console');
}

export function logFile(directory: string, number: number): string {
  return path.join(directory, `${number}.log`);
}

export function timesFile(directory: string, number: number): string {
  return path.join(directory, `${number}.times`);
}

/** Oldest first; none where nothing has been logged. */
export function logNumbers(directory: string): number[] {
  let names: string[];
  try {
    names = fs.readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const numbers = names.flatMap((name) => /^(\d{1,15})\.log$/.exec(name)?.[1] ?? []).map(Number);
  return numbers.sort((a, b) => a - b);
}

export function hasConsoleLog(home: string): boolean {
  return logNumbers(consoleDirectory(home)).length > 0;
}
