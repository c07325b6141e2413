/** The files of a board's configuration, as far as they are files that one can read. */
import { errorWords } from '../../system/error-words.ts';
import { readRegularFile } from '../../system/regular-file.ts';
import { asItself, type BoardPlace, type Problem } from './problem.ts';

/** @returns the bytes; undefined for a file that is missing; or why it cannot be read */
export function readBoardFile(place: BoardPlace, file: string): Buffer | Problem | undefined {
  try {
    return asItself(place, () => readRegularFile(file));
  } catch (error) {
    return { file, message: errorWords(error) };
  }
}

/** The line that sets a variable: the last one, which wins. @param name a word, which goes into a pattern */
export function lineOf(text: string, name: string): number | undefined {
  const pattern = new RegExp(`^[ \\t]*(?:export[ \\t]+)?${name}=`);
  const index = text.split('\n').findLastIndex((line) => pattern.test(line));
  return index < 0 ? undefined : index + 1;
}
