/** What has changed in the live root against a saved or a replaced one. */
import fs from 'node:fs';
import path from 'node:path';
import { LIVE, openRoot, parseChoice } from '../../rootfs/choice.ts';
import { type Comparands, type Difference, differences } from '../../rootfs/compare.ts';
import { RootError } from '../../rootfs/errors.ts';
import { findUnattributed, idsOf } from '../../rootfs/unattributed.ts';
import { ExitCode } from '../../shell/errors.ts';
import { writeOut } from '../../shell/output.ts';
import type { OwnRoots } from '../../shell/own-roots.ts';
import { printable } from '../../shell/text.ts';
import { openBeneath } from '../../system/openat2.ts';

const { O_RDONLY, O_DIRECTORY } = fs.constants;
/** Characters that are written at once. */
const CHUNK = 64 * 1024;

/** The names of a path within a root file system. @throws RootError for one with `..` */
function namesOf(word: string): string[] {
  const names = word.split('/').filter((name) => name !== '' && name !== '.');
  if (names.includes('..')) throw new RootError('root diff: a PATH has no ".."', ExitCode.usage);
  return names;
}

/** @returns undefined where the tree has no such directory */
function openDirectory(root: number, directory: string): number | undefined {
  try {
    return openBeneath(root, directory || '.', O_RDONLY | O_DIRECTORY);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(code)) return undefined;
    throw error;
  }
}

function comparands(old: number, live: number, names: readonly string[]): Comparands {
  const directory = path.join(...names.slice(0, -1), '.');
  return {
    oldFd: openDirectory(old, directory),
    newFd: openDirectory(live, directory),
    name: Buffer.from(`${names.at(-1) ?? '.'}\0`),
    path: Buffer.from(names.join('/')),
  };
}

function line({ kind, path: name, isDirectory, what }: Difference): string {
  const shown = printable(name.toString()) + (isDirectory && name.length > 0 ? '/' : '');
  return `${kind} ${shown || '.'}${what.length > 0 ? `  (${printable(what.join(', '))})` : ''}\n`;
}

export function run({ roots }: OwnRoots, [word = '', within = '']: readonly string[]): void {
  const [choice, names] = [parseChoice(word), namesOf(within)];
  const [old, live] = [openRoot(roots, choice), openRoot(roots, LIVE)];
  const unattributed = idsOf(findUnattributed());
  let text = '';
  for (const difference of differences(comparands(old, live, names), unattributed)) {
    text += line(difference);
    if (text.length < CHUNK) continue;
    if (!writeOut(text)) return;
    text = '';
  }
  writeOut(text);
}
