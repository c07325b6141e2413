/** Files in a board's home, read and replaced with the rights of its account. */
import fs from 'node:fs';
import path from 'node:path';
import { CommandError } from '../shell/errors.ts';
import { errorWords } from '../system/error-words.ts';
import { readRegularFile } from '../system/regular-file.ts';
import type { Account } from './account.ts';
import { asAccount } from './as-account.ts';
import type { Change } from './change.ts';
import { changeFile, differences, type Texts } from './replace-file.ts';

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

/** Where a symbolic link leads. @returns undefined for something else */
export function readHomeLink(account: Account, name: string): string | undefined {
  if (!statHome(account, name)?.isSymbolicLink()) return undefined;
  return inHome(account, name, (file) => fs.readlinkSync(file));
}

/** It may get a password. */
const MODE = 0o600;

/**
 * @param account whose home it is, once it exists
 * @param texts what is there now, and is to be
 */
export function fileChange(account: () => Account, home: string, name: string, texts: Texts): Change {
  const { before, after } = texts;
  const title = `${before === undefined ? '+' : '~'} ${path.join(home, name)}`;
  const change = (each: Texts) => inHome(account(), name, (file) => changeFile(file, each, MODE));
  return {
    text: [title, ...differences(texts)].join('\n'),
    apply: () => change(texts),
    undo: () => change({ before: after, after: before }),
  };
}
