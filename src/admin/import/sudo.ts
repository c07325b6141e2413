/** Rules of sudoers(5) that let boards run the power helper of the original. */
import fs from 'node:fs';
import path from 'node:path';
import { type Check, inOrder, type Said } from '../../doctor/finding.ts';
import type { Account } from '../account.ts';

const HELPER = 'novaboot-power';

/** Absolute paths of a helper in a file, comments aside. */
function helpers(file: string): string[] {
  const text = fs.readFileSync(file, 'latin1').replace(/^\s*#.*$/gm, '');
  return [...text.matchAll(/(?<![\w.-])\/[\w./@+-]*/g)]
    .map(([name]) => name)
    .filter((name) => path.basename(name) === HELPER);
}

function isOurs(helper: string): boolean {
  try {
    return fs.realpathSync(helper) === path.join(path.dirname(process.argv[1] ?? ''), HELPER);
  } catch {
    // It is not there: nobody can run it.
    return false;
  }
}

/** @param root of the host's files */
export function sudoFindings(root = '/'): Said[] {
  const directory = path.join(root, 'etc/sudoers.d');
  const names = fs.existsSync(directory) ? fs.readdirSync(directory) : [];
  // sudoers(5): files with a dot or a tilde at the end are not read.
  const read = names.filter((name) => !name.includes('.') && !name.endsWith('~'));
  const files = [path.join(root, 'etc/sudoers'), ...read.map((name) => path.join(directory, name))];
  const found = files
    .filter((file) => fs.existsSync(file))
    .flatMap((file) =>
      helpers(file)
        .filter((helper) => !isOurs(helper))
        .map((helper) => ({ file, helper })),
    );
  if (found.length === 0)
    return [inOrder('host', 'sudo knows no power helper but that of this installation')];
  return found.map(({ file, helper }) => ({
    severity: 'warning',
    subject: 'host',
    what: `${file} lets boards run ${helper}, which is not of this installation`,
    why: 'Whoever may replace that program is root.',
    fix: `Remove the rule from ${file} once no board needs the original any more (visudo -f ${file}).`,
  }));
}

export const sudo: Check<Account> = {
  name: 'original-sudo',
  run: () => sudoFindings(),
};
