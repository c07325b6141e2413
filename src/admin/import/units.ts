/** Units of the original that stand before ours, and what administrators have changed in its timer. */
import fs from 'node:fs';
import path from 'node:path';
import { type Check, inOrder, type Said } from '../../doctor/finding.ts';
import type { Account } from '../account.ts';

/** systemd.unit(5): these come before /usr/lib, where the package has its own. */
const BEFORE = ['/etc/systemd', '/usr/local/lib/systemd'];

/** What `make install` of the original puts there, by the manager that it is for. */
const UNITS: Readonly<Record<string, readonly string[]>> = {
  system: ['novaboot-power@.service', 'novaboot-power-off@.service', 'novaboot-power-off@.timer'],
  user: ['novaboot-delayed-power-off.service'],
};

const PROGRAMS_DIRECTORY = path.dirname(process.argv[1] ?? '');

/** Ours name the programs beside this one; a mask (systemctl mask) is the administrator's will. */
function isForeign(file: string): boolean {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  if (!stat?.isFile()) return false;
  return !fs.readFileSync(file, 'latin1').includes(PROGRAMS_DIRECTORY);
}

function shadowing(root: string, subject: string): Said[] {
  const files = BEFORE.flatMap((directory) =>
    Object.entries(UNITS).flatMap(([manager, names]) =>
      names.map((name) => path.join(root, directory, manager, name)),
    ),
  );
  return files.filter(isForeign).map((file) => ({
    severity: 'error',
    subject,
    what: `${file} stands before the unit of this installation`,
    why: 'The automatic power-off does what the original does, or nothing.',
    fix: `Look into it for changes of yours, remove it, and say: systemctl daemon-reload`,
  }));
}

/** The original's manual tells to write OnActiveSec= alone; systemd.timer(5): then the unit's own counts too. */
function overrides(root: string, board: string): Said[] {
  const names = [`novaboot-power-off@${board}.timer.d`, 'novaboot-power-off@.timer.d'];
  const files = names.flatMap((name) => {
    const directory = path.join(root, '/etc/systemd/system', name);
    const found = fs.existsSync(directory) ? fs.readdirSync(directory) : [];
    return found.filter((file) => file.endsWith('.conf')).map((file) => path.join(directory, file));
  });
  return files.flatMap((file): Said[] => {
    const values = [
      ...fs.readFileSync(file, 'latin1').matchAll(/^[ \t]*OnActiveSec[ \t]*=[ \t]*(.*?)[ \t]*$/gm),
    ];
    if (values.length === 0 || values[0]?.[1] === '') return [];
    return [
      {
        severity: 'warning',
        subject: board,
        what: `${file} sets OnActiveSec=${values[0]?.[1]} without taking back the 10 minutes of the unit`,
        why: 'Both count, and the earlier one switches the board off: a longer time never had an effect.',
        fix: 'Put a line OnActiveSec= (with nothing behind it) in front, and say: systemctl daemon-reload',
      },
    ];
  });
}

/** @param root of the host's files */
export function unitFindings(board: string, root = '/'): Said[] {
  const found = [...shadowing(root, 'host'), ...overrides(root, board)];
  return found.length > 0 ? found : [inOrder(board, 'no unit of the original is in the way')];
}

export const units: Check<Account> = {
  name: 'original-units',
  run: ({ name }) => unitFindings(name),
};
