/** The Unix account of a board: useradd(8), usermod(8). */
import { GROUP } from '../power-off/account.ts';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { accountNamed, groupNamed } from '../system/accounts.ts';
import { type Account, expiredAccounts, isMember, listAccounts } from './account.ts';
import { checkSound, loginShell, otherShell, shellKind } from './boards.ts';
import { type Change, runChange } from './change.ts';
import { checkBoardName } from './check-desired.ts';
import type { DesiredBoard } from './desired.ts';
import type { Subject } from './subject.ts';
import { untilForgotten } from './systemd.ts';

type Wanted = NonNullable<DesiredBoard['account']>;

function groupChange(): Change {
  return {
    text: `+ group ${GROUP}`,
    apply: () => void runChange('groupadd', ['--system', GROUP]),
    undo: () => void runChange('groupdel', [GROUP]),
  };
}

function newAccount(name: string, home: string, wanted: Wanted): Change {
  const { uid, firstUid, lastUid, gecos = 'novaboot board', group = GROUP } = wanted;
  const shell = loginShell();
  const options = [
    // Without a password that fits, but not locked: sshd without PAM lets nobody into a locked account.
    ...['--password', '*', '--no-create-home', '--home-dir', home, '--shell', shell, '--comment', gecos],
    ...['--gid', group, ...(group === GROUP ? [] : ['--groups', GROUP])],
    ...(uid === undefined ? [] : ['--uid', String(uid)]),
    ...(firstUid === undefined ? [] : ['--key', `UID_MIN=${firstUid}`]),
    ...(lastUid === undefined ? [] : ['--key', `UID_MAX=${lastUid}`]),
  ];
  return {
    text: `+ account ${name}, group ${group}, home ${home}, login shell ${shell}`,
    async apply() {
      runChange('useradd', [...options, '--', name]);
      await untilForgotten(accountNamed(name)?.uid ?? -1, name);
    },
    undo: () => void runChange('userdel', ['--', name]),
  };
}

function checkNew(name: string, { uid, group = GROUP }: Wanted): void {
  checkBoardName(name);
  const owner = uid === undefined ? undefined : listAccounts().find((account) => account.uid === uid);
  if (owner) throw new CommandError(`The uid ${uid} belongs to ${owner.name}; choose another one`);
  if (group !== GROUP && groupNamed(group) === undefined)
    throw new CommandError(`There is no group ${group}`, ExitCode.usage);
}

function checkExisting(account: Account, { home, uid }: Wanted): void {
  if (shellKind(account) !== 'ours') throw otherShell(account);
  checkSound(account);
  if (home !== undefined && home !== account.home)
    throw new CommandError(`The account ${account.name} has the home directory ${account.home} already`);
  if (uid !== undefined && uid !== account.uid)
    throw new CommandError(`The account ${account.name} has the uid ${account.uid} already`);
}

/** Has the account join the group by which sudo knows boards. */
export function membershipChanges(account: Account): Change[] {
  if (isMember(account, GROUP)) return [];
  const name = account.name;
  return [
    ...(groupNamed(GROUP) === undefined ? [groupChange()] : []),
    {
      text: `~ account ${name}, now in the group ${GROUP}`,
      apply: () => void runChange('gpasswd', ['--add', name, GROUP]),
      undo: () => void runChange('gpasswd', ['--delete', name, GROUP]),
    },
  ];
}

/** A removal that was killed has left it so. */
function expiryChanges({ name }: Account): Change[] {
  if (!expiredAccounts(name).has(name)) return [];
  return [
    {
      text: `~ account ${name}, which had expired, lets its users in again`,
      apply: () => void runChange('usermod', ['--expiredate', '', '--', name]),
      undo: () => void runChange('usermod', ['--expiredate', '1', '--', name]),
    },
  ];
}

/** @throws CommandError for an account that is no board, or another one than what is wanted */
export function accountChanges({ name, home, existing }: Subject, wanted: Wanted = {}): Change[] {
  if (existing !== undefined) {
    checkExisting(existing, wanted);
    return [...expiryChanges(existing), ...membershipChanges(existing)];
  }
  checkNew(name, wanted);
  return [...(groupNamed(GROUP) === undefined ? [groupChange()] : []), newAccount(name, home, wanted)];
}
