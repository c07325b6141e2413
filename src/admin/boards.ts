/** Which accounts are boards: those whose login shell is ours. There is no other list of them. */
import fs from 'node:fs';
import path from 'node:path';
import { CommandError } from '../shell/errors.ts';
import { printable } from '../shell/text.ts';
import { type Account, findAccount, listAccounts } from './account.ts';

const SHELL_NAME = 'novaboot-shell';
const SHELLS = '/etc/shells';

/** Other: a novaboot-shell of another installation, or the original. */
type ShellKind = 'ours' | 'other' | 'none';

function realPath(file: string): string | undefined {
  try {
    return fs.realpathSync(file);
  } catch {
    return undefined;
  }
}

/** The login shell beside the program that runs. */
function ownShell(): string {
  const program = process.argv[1] ?? '';
  return path.join(path.dirname(realPath(program) ?? program), SHELL_NAME);
}

/** The login shell of new boards, as shells(5) names it, since some programs ask there. */
export function loginShell(): string {
  const own = ownShell();
  const listed = fs.existsSync(SHELLS) ? fs.readFileSync(SHELLS, 'utf8').split('\n') : [];
  return listed.find((line) => path.basename(line) === SHELL_NAME && realPath(line) === own) ?? own;
}

export function shellKind({ shell }: Pick<Account, 'shell'>): ShellKind {
  if (path.basename(shell) !== SHELL_NAME) return 'none';
  return realPath(shell) === realPath(ownShell()) ? 'ours' : 'other';
}

/** Why an account cannot be a board, whatever its shell is: what we do in a home would be done elsewhere. */
function defect({ uid, home }: Account): string | undefined {
  if (uid === 0) return "has root's uid, so it cannot be a board";
  return path.isAbsolute(home) ? undefined : 'has no home directory, so it cannot be a board; see usermod(8)';
}

/** @throws CommandError for an account that cannot be a board */
export function checkSound(account: Account): void {
  const why = defect(account);
  if (why !== undefined) throw new CommandError(`The account ${account.name} ${why}`);
}

/** Accounts with such a login shell that cannot be boards: no command knows them, and users may get in all the same. */
export function listUnsound(): { name: string; why: string }[] {
  return listAccounts().flatMap((account) => {
    const why = shellKind(account) === 'none' ? undefined : defect(account);
    return why === undefined ? [] : [{ name: account.name, why }];
  });
}

function withShell(kind: ShellKind): Account[] {
  const accounts = listAccounts().filter(
    (account) => shellKind(account) === kind && defect(account) === undefined,
  );
  return accounts.sort((a, b) => a.name.localeCompare(b.name));
}

/** All boards of this installation, by name. */
export function listBoards(): Account[] {
  return withShell('ours');
}

/** Accounts of another installation, or of the original. */
export function listOtherBoards(): Account[] {
  return withShell('other');
}

/** What to say of an account that should be a board and is none. */
export function otherShell({ name, shell }: Account): CommandError {
  const kind = shellKind({ shell });
  const advice =
    kind === 'other'
      ? `another ${SHELL_NAME}; take it over with: novaboot-admin import ${name}`
      : 'which is not novaboot-shell: it is no board';
  return new CommandError(`The account ${name} has the login shell ${printable(shell)}, ${advice}`);
}

/** @throws CommandError for a name that is no board's */
export function boardNamed(name: string): Account {
  const account = findAccount(name);
  if (account === undefined) {
    throw new CommandError(`There is no account ${printable(name)}; novaboot-admin list names the boards`);
  }
  if (shellKind(account) !== 'ours') throw otherShell(account);
  checkSound(account);
  return account;
}
