/** Validates all configurations: of boards, of the TFTP server, and the lab file. Changes and reaches nothing. */
import fs from 'node:fs';
import path from 'node:path';
import { type CheckedBoard, checkBoardFiles } from '../../doctor/configuration/board-problems.ts';
import { type Problem, problemLine } from '../../doctor/configuration/problem.ts';
import { ExitCode } from '../../shell/errors.ts';
import { writeError, writeOut } from '../../shell/output.ts';
import { printable } from '../../shell/text.ts';
import { findProblems } from '../../tftp/check.ts';
import { CONFIG } from '../../tftp/config-files.ts';
import { type Account, expiredAccounts } from '../account.ts';
import { accountEnvironment, accountWords, asAccount, boundWords } from '../as-account.ts';
import { boardNamed, listBoards } from '../boards.ts';
import type { AdminWords } from '../command.ts';
import { LAB_FILE, labProblems } from '../lab/lab-file.ts';

/** Most need no shell; one that keeps us waits more than it works. */
const AT_ONCE = 8;

/** In the order of the boards. */
async function checkBoards(boards: readonly Account[]): Promise<CheckedBoard[]> {
  const found: CheckedBoard[] = [];
  const numbers = boards.keys();
  const work = async () => {
    for (const number of numbers) {
      const account = boards[number] as Account;
      found[number] = await checkBoardFiles({
        home: account.home,
        configPath: path.join(account.home, '.novaboot-shell'),
        env: accountEnvironment(account),
        account: {
          enter: (look) => asAccount(account, look),
          before: [...boundWords(), ...accountWords(account)],
        },
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}

/** What two boards can hardly have together: most often a line that was copied. */
const OWN = ['console', 'power'] as const;

function sharedProblems(boards: readonly Account[], checked: readonly CheckedBoard[]): Problem[] {
  const owners = new Map<string, string>();
  return checked.flatMap(({ settings }, number) => {
    const { name, home } = boards[number] as Account;
    return OWN.flatMap((setting): Problem[] => {
      const value = settings.get(setting);
      if (!value) return [];
      const owner = owners.get(`${setting} ${value}`);
      owners.set(`${setting} ${value}`, owner ?? name);
      const file = path.join(home, '.novaboot-shell');
      return owner === undefined
        ? []
        : [{ file, message: `${setting}: board ${owner} has the same`, warning: true }];
    });
  });
}

function expiryProblems(boards: readonly Account[]): Problem[] {
  const expired = expiredAccounts();
  return boards.flatMap(({ name }): Problem[] => {
    const message = `${name} has expired: nobody can log in; novaboot-admin add-board ${name} mends it`;
    return expired.has(name) ? [{ file: '/etc/shadow', message }] : [];
  });
}

/** Of the files that are not one board's. */
async function hostProblems(): Promise<string[]> {
  const tftp = fs.existsSync(CONFIG) ? findProblems(CONFIG) : [];
  const lab = fs.existsSync(LAB_FILE) ? await labProblems(LAB_FILE) : [];
  return [...tftp, ...lab].map(printable);
}

/** Tells problems on stderr, a line each. @returns the exit status */
export async function run({ args }: AdminWords): Promise<number> {
  const boards = args.length > 0 ? args.map(boardNamed) : listBoards();
  const checked = await checkBoards(boards);
  const problems = [
    ...expiryProblems(boards),
    ...checked.flatMap((board) => board.problems),
    ...sharedProblems(boards, checked),
  ];
  const others = args.length > 0 ? [] : await hostProblems();
  for (const line of [...problems.map(problemLine), ...others]) writeError(`${line}\n`);
  const errors = problems.filter(({ warning }) => !warning).length + others.length;
  if (errors > 0) return ExitCode.configuration;
  const what = boards.length === 1 ? '1 board' : `${boards.length} boards`;
  writeOut(`The configuration of ${what}${args.length > 0 ? '' : ' and of this host'} is right.\n`);
  return 0;
}
