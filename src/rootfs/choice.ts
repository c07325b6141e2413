/** Which of a user's root file systems is meant: the live one, a saved one (NAME), or a replaced one (@NUMBER). */
import fs from 'node:fs';
import path from 'node:path';
import { errorWords } from '../system/error-words.ts';
import { RootError } from './errors.ts';
import type { Roots } from './roots.ts';

export type Choice =
  | { readonly kind: 'live' }
  | { readonly kind: 'saved'; readonly name: string }
  | { readonly kind: 'replaced'; readonly number: number };

export const LIVE: Choice = { kind: 'live' };
/** EX_USAGE */
const USAGE = 64;

/** @throws RootError (64) for what names no root file system */
export function parseChoice(word: string): Choice {
  const number = /^@([1-9]\d{0,8})$/.exec(word)?.[1];
  return number === undefined
    ? { kind: 'saved', name: savedName(word) }
    : { kind: 'replaced', number: Number(number) };
}

/** @throws RootError (64) */
export function savedName(word: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/.test(word)) return word;
  const rule = 'at most 64 of A-Z a-z 0-9 _ . -, not beginning with . or -';
  throw new RootError(`"${word}" is no name for a saved root: ${rule}`, USAGE);
}

/** The choice in words. */
export function choiceText(choice: Choice): string {
  if (choice.kind === 'live') return 'the live root';
  return choice.kind === 'saved' ? choice.name : `@${choice.number}`;
}

function pathOf(roots: Roots, choice: Choice): string {
  if (choice.kind === 'live') return roots.live;
  return choice.kind === 'saved'
    ? path.join(roots.saved, choice.name)
    : path.join(roots.replaced, String(choice.number));
}

function missing(choice: Choice): string {
  if (choice.kind === 'live') return 'You have no root file system yet';
  const what = choice.kind === 'saved' ? `saved root ${choice.name}` : `replaced root @${choice.number}`;
  return `There is no ${what}; "root list" shows what there is`;
}

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;

/** A tree that is being made, or never was finished: new-tree.ts */
function isUnfinished(roots: Roots, choice: Choice): boolean {
  return choice.kind === 'replaced' && fs.existsSync(`${pathOf(roots, choice)}.new`);
}

/** @returns the directory, open for reading @throws RootError if there is none */
export function openRoot(roots: Roots, choice: Choice): number {
  let fd: number;
  try {
    fd = fs.openSync(pathOf(roots, choice), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new RootError(missing(choice), 1, { cause: error });
    const message = `Cannot open ${choiceText(choice)}: ${errorWords(error)}`;
    throw new RootError(message, 1, { cause: error });
  }
  // Asked for now, it is whole without a marker, also if it had one just before.
  if (!isUnfinished(roots, choice)) return fd;
  fs.closeSync(fd);
  throw new RootError(missing(choice));
}

/** @throws RootError */
export function checkThere(roots: Roots, choice: Choice): void {
  fs.closeSync(openRoot(roots, choice));
}
