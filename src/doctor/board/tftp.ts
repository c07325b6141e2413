/** Whether boot files arrive where they are served from, and can be read there. */
import fs from 'node:fs';
import path from 'node:path';
import { inside, openTree, type Tree } from '../../shell/board-tree.ts';
import { type Check, inOrder, type Said } from '../finding.ts';
import type { BoardContext } from './context.ts';

/** Directory entries that are looked at. */
const MAX_ENTRIES = 10_000;

/** Files that the TFTP server, which is another account, may not read; beneath the tree. */
function hiddenFiles(tree: Tree): string[] {
  const hidden: string[] = [];
  const directories = ['.'];
  let seen = 0;
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    const handle = fs.opendirSync(inside(tree.fd, directory));
    try {
      for (let entry = handle.readSync(); entry !== null && seen < MAX_ENTRIES; entry = handle.readSync()) {
        seen += 1;
        const name = path.join(directory, entry.name);
        const stat = fs.lstatSync(inside(tree.fd, name), { throwIfNoEntry: false });
        if (stat?.isDirectory()) {
          if ((stat.mode & 0o001) === 0) hidden.push(name);
          else if ((stat.mode & 0o400) !== 0) directories.push(name);
        } else if (stat?.isFile() && (stat.mode & 0o004) === 0) hidden.push(name);
      }
    } finally {
      handle.closeSync();
    }
  }
  return hidden;
}

function refused(subject: string, what: string, fix: string): Said {
  const why = 'Uploads of boot files fail, and the board gets none by TFTP.';
  return { severity: 'error', subject, what, why, fix };
}

function treeFindings(home: string, name: string): Said[] {
  const tree = openTree(home, 'tftproot');
  try {
    try {
      fs.accessSync(inside(tree.fd), fs.constants.W_OK | fs.constants.X_OK);
    } catch {
      return [refused(name, `the account may not write to ${tree.path}`, `chown -R ${name} ${tree.path}`)];
    }
    const hidden = hiddenFiles(tree);
    if (hidden.length === 0) return [inOrder(name, `boot files are in ${tree.path}`)];
    const shown = hidden.slice(0, 3).join(', ');
    const more = hidden.length > 3 ? ` and ${hidden.length - 3} more` : '';
    return [
      {
        severity: 'warning',
        subject: name,
        what: `files in ${tree.path} are not for everybody to read: ${shown}${more}`,
        why: 'The TFTP server has an account of its own, and refuses them to the board.',
        fix: `chmod -R a+rX ${tree.path} (the novaboot client does so; for rsync by hand: --chmod=ugo=rwX).`,
      },
    ];
  } finally {
    fs.closeSync(tree.fd);
  }
}

export const tftp: Check<BoardContext> = {
  name: 'tftp',
  run({ session: { home }, name }) {
    const link = path.join(home, 'tftproot');
    const stat = fs.lstatSync(link, { throwIfNoEntry: false });
    // The first upload makes one.
    if (stat === undefined) return [inOrder(name, 'there are no boot files yet')];
    if (!fs.existsSync(link)) {
      const fix = `Make the directory that it points to, for the account ${name}; novaboot-admin add-board ${name} does.`;
      return [refused(name, '~/tftproot leads nowhere', fix)];
    }
    try {
      return treeFindings(home, name);
    } catch (error) {
      const fix = `Make a directory /srv/tftp/${name} of the account's, and as root: ln -sfn /srv/tftp/${name} ${link}`;
      return [refused(name, (error as Error).message, fix)];
    }
  },
};
