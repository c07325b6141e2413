/** Where a board's boot files lie: a directory that the TFTP server reads, and root's link to it in the home. */
import fs from 'node:fs';
import path from 'node:path';
import { CommandError } from '../shell/errors.ts';
import { isBeneath } from '../shell/paths.ts';
import type { Change } from './change.ts';
import { checkAbove, directoryChanges, newDirectory } from './directory-changes.ts';
import { readHomeLink, statHome } from './home-file.ts';
import { boardTree } from './identity-changes.ts';
import type { Subject } from './subject.ts';

const LINK = 'tftproot';

function newParent(directory: string): Change {
  return {
    text: `+ directory ${directory}`,
    apply() {
      fs.mkdirSync(directory);
      // Whatever the umask is: the TFTP server has an account of its own.
      fs.chmodSync(directory, 0o755);
    },
    undo: () => fs.rmdirSync(directory),
  };
}

/** design.md 7a: nobody but root can make the link point elsewhere. */
function newLink(link: string, tree: string): Change {
  return {
    text: `+ link ${link} -> ${tree}`,
    apply: () => fs.symlinkSync(tree, link),
    undo: () => fs.unlinkSync(link),
  };
}

/** The directory, with the one that it is in. */
function treeChanges(subject: Subject, tree: string): Change[] {
  const parent = path.dirname(tree);
  if (fs.existsSync(parent)) return directoryChanges(subject, tree, 0o755);
  checkAbove(parent);
  return [newParent(parent), newDirectory(tree, 0o755, subject.account)];
}

/** Whether it is root's link to the tree, and there is none. */
function leadsNowhere({ resident }: Subject, tree: string): boolean {
  if (resident === undefined || fs.existsSync(tree)) return false;
  return statHome(resident, LINK)?.uid === 0 && readHomeLink(resident, LINK) === tree;
}

/**
 * Nothing where an account has a `tftproot` already, whatever it is, unless its tree has gone.
 *
 * @throws CommandError
 */
export function tftpChanges(subject: Subject): Change[] {
  const { name, home, existing, resident } = subject;
  const hasLink = resident !== undefined && statHome(resident, LINK) !== undefined;
  const tree = boardTree(name);
  if (hasLink && existing !== undefined && !leadsNowhere(subject, tree)) return [];
  if (home === tree || isBeneath(home, tree))
    throw new CommandError(`${home} cannot be the home: the TFTP server gives away what is in ${tree}`);
  // ~/tftproot itself, which the first upload makes.
  if (isBeneath(tree, home)) return [];
  return [...treeChanges(subject, tree), ...(hasLink ? [] : [newLink(path.join(home, LINK), tree)])];
}
