/** Files that we write, by rename: who reads one finds the old one or the new one, whole. */
import fs from 'node:fs';
import { CommandError } from '../shell/errors.ts';
import { readRegularFile } from '../system/regular-file.ts';

/** On disk before it takes the old one's place. @throws an error of fs, and the old file stays */
export function replaceFile(file: string, text: string, mode: number): void {
  const temporary = `${file}.new`;
  fs.rmSync(temporary, { force: true });
  try {
    const fd = fs.openSync(temporary, 'wx', mode);
    try {
      fs.writeFileSync(fd, text);
      // Whatever the umask is; not by its name, which may be another file's by now where the directory is somebody else's.
      fs.fchmodSync(fd, mode);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(temporary, file);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}

/** What a file says; undefined: there is none, or it is to go. */
export interface Texts {
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/**
 * Changes the file that was seen, and none that somebody else has written since.
 *
 * @throws CommandError after another one's change
 */
export function changeFile(file: string, { before, after }: Texts, mode: number): void {
  if (readRegularFile(file)?.toString() !== before)
    throw new CommandError('somebody else has just changed it; look at it, and say this again');
  if (after === undefined) fs.rmSync(file, { force: true });
  else replaceFile(file, after, mode);
}

/** What differs, without comments, each line behind its sign. */
export function differences({ before = '', after = '' }: Texts): string[] {
  const lines = (text: string) => text.split('\n').filter((line) => !/^\s*(#|$)/.test(line));
  const [old, young] = [lines(before), lines(after)];
  return [
    ...old.filter((line) => !young.includes(line)).map((line) => `  - ${line}`),
    ...young.filter((line) => !old.includes(line)).map((line) => `  + ${line}`),
  ];
}
