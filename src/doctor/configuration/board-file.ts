/** The files of a board's configuration, as far as they are files that one can read. */
import { readRegularFile } from '../../system/regular-file.ts';
import { asItself, type BoardPlace, type Problem } from './problem.ts';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  ELOOP: 'too many symbolic links',
  ENOTDIR: 'leads through a file that is no directory',
  ENOTREG: 'is no regular file',
  EFBIG: 'is too large',
};

/** @returns the bytes; undefined for a file that is missing; or why it cannot be read */
export function readBoardFile(place: BoardPlace, file: string): Buffer | Problem | undefined {
  try {
    return asItself(place, () => readRegularFile(file));
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    return { file, message: REASONS[code] ?? message };
  }
}

/** The line that sets a variable: the last one, which wins. */
export function lineOf(text: string, name: string): number | undefined {
  const pattern = new RegExp(`^[ \\t]*(?:export[ \\t]+)?${name}=`);
  const index = text.split('\n').findLastIndex((line) => pattern.test(line));
  return index < 0 ? undefined : index + 1;
}
