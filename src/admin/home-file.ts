/** Files in a board's home, read and replaced with the rights of its account. */
import fs from 'node:fs';
import path from 'node:path';
import { CommandError } from '../shell/errors.ts';
import { errorWords } from '../system/error-words.ts';
import { readRegularFile } from '../system/regular-file.ts';
import type { Account } from './account.ts';
import { asAccount } from './as-account.ts';
import type { Change } from './change.ts';

/** Tells where in a home something is wrong. */
export function inHome<T>(account: Account, name: string, work: (file: string) => T): T {
  const file = path.join(account.home, name);
  try {
    return asAccount(account, () => work(file));
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`${file}: ${errorWords(error)}`, undefined, { cause: error });
  }
}

/** @returns undefined where there is none @throws CommandError for what cannot be read */
export function readHomeFile(account: Account, name: string): string | undefined {
  return inHome(account, name, (file) => readRegularFile(file)?.toString());
}

/** The entry itself, not what a link leads to. */
export function statHome(account: Account, name: string): fs.Stats | undefined {
  return inHome(account, name, (file) => fs.lstatSync(file, { throwIfNoEntry: false }));
}

/** Whole or not at all; on disk before it takes the old one's place. @param text undefined: removes the file */
function writeHomeFile(account: Account, name: string, text: string | undefined): void {
  inHome(account, name, (file) => {
    const temporary = `${file}.new`;
    fs.rmSync(temporary, { force: true });
    if (text === undefined) return fs.rmSync(file, { force: true });
    try {
      // It may get a password.
      const fd = fs.openSync(temporary, 'wx', 0o600);
      try {
        fs.writeFileSync(fd, text);
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
      fs.renameSync(temporary, file);
    } catch (error) {
      fs.rmSync(temporary, { force: true });
      throw error;
    }
  });
}

/** What differs, without comments, each line behind its sign. */
export function differences(before: string, after: string): string[] {
  const lines = (text: string) => text.split('\n').filter((line) => !/^\s*(#|$)/.test(line));
  const [old, young] = [lines(before), lines(after)];
  return [
    ...old.filter((line) => !young.includes(line)).map((line) => `  - ${line}`),
    ...young.filter((line) => !old.includes(line)).map((line) => `  + ${line}`),
  ];
}

/**
 * @param account whose home it is, once it exists
 * @param before what is there now
 */
export function fileChange(
  account: () => Account,
  home: string,
  name: string,
  { before, after }: { before: string | undefined; after: string },
): Change {
  const title = `${before === undefined ? '+' : '~'} ${path.join(home, name)}`;
  return {
    text: [title, ...differences(before ?? '', after)].join('\n'),
    apply: () => writeHomeFile(account(), name, after),
    undo: () => writeHomeFile(account(), name, before),
  };
}
