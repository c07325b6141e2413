/** The removal of a board: all that lets somebody in or makes something run. Files stay, out of everybody's reach, or go. */
import fs from 'node:fs';
import path from 'node:path';
import { outputOf } from '../power-off/programs.ts';
import { CommandError } from '../shell/errors.ts';
import { printable } from '../shell/text.ts';
import { mountsIn } from '../system/mounts.ts';
import { type Account, listAccounts } from './account.ts';
import { endSessions } from './board-sessions.ts';
import { type Change, type Plan, runChange } from './change.ts';
import { comebackAdvice } from './comeback.ts';
import { removeDirectory } from './directory-changes.ts';
import { boardTree, planIdentities } from './identity-changes.ts';
import { isLingering, isSystemdRunning } from './systemd.ts';
import { unitFiles, unitFilesChange } from './unit-files.ts';

const TFTP_JOURNALS = '/var/lib/novaboot-tftpd';
const CRONTABS = '/var/spool/cron/crontabs';
const AT_JOBS = '/var/spool/cron/atjobs';

/** Nobody comes in by ssh or cron from here on. */
function expiry({ name }: Account): Change {
  return {
    text: `- logins of ${name}`,
    apply: () => void runChange('usermod', ['--expiredate', '1', '--', name]),
    undo: () => void runChange('usermod', ['--expiredate', '', '--', name]),
  };
}

function sessions(account: Account): Change {
  return { text: `- sessions and servers of ${account.name}`, apply: () => endSessions(account) };
}

function lingering(name: string): Change {
  return {
    text: `- lingering of ${name}`,
    apply: () => void runChange('loginctl', ['disable-linger', '--', name]),
    undo: () => void runChange('loginctl', ['enable-linger', '--', name]),
  };
}

function removeFiles(files: readonly string[]): void {
  for (const file of files) fs.rmSync(file, { force: true });
}

/** Jobs of the account would run again for the next one with its name or uid. */
function jobChanges({ name, uid }: Account): Change[] {
  const isTheirs = (file: string) => fs.lstatSync(file, { throwIfNoEntry: false })?.uid === uid;
  const jobs = fs.existsSync(AT_JOBS) ? fs.readdirSync(AT_JOBS).map((job) => path.join(AT_JOBS, job)) : [];
  const files = [
    ...jobs.filter(isTheirs),
    ...[path.join(CRONTABS, name)].filter((file) => fs.existsSync(file)),
  ];
  if (files.length === 0) return [];
  return [
    {
      text: `- jobs of ${name} for cron and at`,
      apply: () => removeFiles(files),
    },
  ];
}

/** The home, and where its boot files and root file systems are: in it, or where a link of root's leads. */
function placesOf(account: Account): string[] {
  const links = ['tftproot', 'nfsroot'].flatMap((name) => {
    const link = path.join(account.home, name);
    const isRoots = tried(() => fs.lstatSync(link).isSymbolicLink() && fs.lstatSync(link).uid === 0);
    return isRoots ? (tried(() => [fs.realpathSync(link)]) ?? []) : [];
  });
  return [...new Set([...[account.home, boardTree(account.name)].map(real), ...links])];
}

/** Without links on the way to it: one directory has one name. It may be a link itself. */
function real(directory: string): string {
  const above = tried(() => fs.realpathSync(path.dirname(directory)));
  return above === undefined ? directory : path.join(above, path.basename(directory));
}

function tried<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    // Not there, or leading nowhere.
    return undefined;
  }
}

/** Whether a directory is the account's alone, so that it may be locked or removed with it. */
function isOwn(directory: string, { name, uid }: Account): boolean {
  const stat = fs.lstatSync(directory, { throwIfNoEntry: false });
  if (!stat?.isDirectory() || stat.uid !== uid || path.dirname(directory) === directory) return false;
  const others = listAccounts().filter((other) => other.name !== name);
  return !others.some(({ home }) => `${home}/`.startsWith(`${directory}/`));
}

/** Held open, since somebody may have put a link in its place before the account was locked out. */
function withOwn(directory: string, uid: number, work: (fd: number) => void): void {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
  const fd = fs.openSync(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    if (fs.fstatSync(fd).uid !== uid) throw new CommandError('it does not belong to the account any more');
    work(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** All that removes an account knows passwd(5) alone. @throws CommandError for one of a directory service */
function checkLocal({ name }: Account): void {
  if (outputOf('getent', ['-s', 'files', 'passwd', '--', name]) !== undefined) return;
  throw new CommandError(
    `The account ${name} is not in /etc/passwd; remove it, or give it another login shell, where it is kept`,
  );
}

/** The next account with this uid must not find it: only root comes past a directory like that. */
function kept(directory: string, { uid, gid }: Account): Change {
  const { mode } = fs.lstatSync(directory);
  return {
    text: `~ ${directory} stays, for root alone`,
    apply: () =>
      withOwn(directory, uid, (fd) => {
        fs.fchownSync(fd, 0, 0);
        fs.fchmodSync(fd, 0o700);
      }),
    undo: () =>
      withOwn(directory, 0, (fd) => {
        fs.fchmodSync(fd, mode & 0o7777);
        fs.fchownSync(fd, uid, gid);
      }),
  };
}

/** It would fail there, when all else is gone. @throws CommandError */
function checkMounts(directory: string): void {
  const [point] = mountsIn(directory);
  if (point !== undefined)
    throw new CommandError(`Something is mounted on ${printable(point)}; unmount it, and say this again`);
}

function purged(directory: string, { uid }: Account): Change {
  return {
    text: `- ${directory}, with all in it`,
    apply() {
      // Its owner is locked out, and nobody else comes past this.
      withOwn(directory, uid, (fd) => fs.fchmodSync(fd, 0o700));
      removeDirectory(directory);
    },
    isFinal: 'begun',
  };
}

function noAccount(name: string): Change {
  return {
    text: `- account ${name}`,
    apply: () => void runChange('userdel', ['--', name]),
    isFinal: 'done',
  };
}

function journals(name: string): string[] {
  const files = ['', '.1'].map((end) => path.join(TFTP_JOURNALS, `${name}.journal${end}`));
  return files.filter((file) => fs.existsSync(file));
}

function journalChange(files: readonly string[]): Change {
  return {
    text: `- ${files.join(', ')}`,
    apply: () => removeFiles(files),
  };
}

/**
 * @param account whom nobody uses, or whose sessions may end
 * @param purge whether its files go too
 * @param withIdentities whether the TFTP server is to forget it too
 * @throws CommandError where the account or its files cannot go
 */
export function planRemoval(
  account: Account,
  { purge = false, withIdentities = true }: { purge?: boolean; withIdentities?: boolean } = {},
): Plan {
  const { name } = account;
  checkLocal(account);
  const places = placesOf(account);
  const own = places.filter((directory) => isOwn(directory, account));
  if (purge) own.forEach(checkMounts);
  const read = journals(name);
  const units = unitFiles(account);
  const identities = planIdentities(new Map(withIdentities ? [[name, undefined]] : []));
  const changes = [
    expiry(account),
    ...(isSystemdRunning() && isLingering(name) ? [lingering(name)] : []),
    sessions(account),
    ...identities.changes,
    ...jobChanges(account),
    // Their owner may read them (acl(5)), so the next one with this uid could.
    ...(read.length > 0 ? [journalChange(read)] : []),
    // The home goes last: by the links in it the others are found again.
    ...(purge
      ? own.toReversed().map((directory) => purged(directory, account))
      : own.map((directory) => kept(directory, account))),
    ...(purge && units.length > 0 ? [unitFilesChange(units)] : []),
    noAccount(name),
  ];
  const left = places.filter((directory) => !own.includes(directory) && fs.existsSync(directory));
  return {
    changes,
    conflicts: [],
    notes: [
      ...identities.conflicts,
      ...identities.notes,
      ...(purge || own.length === 0 ? [] : [comebackAdvice(account, own)]),
      ...(purge ? [] : units.map((file) => `${file} stays, and counts for a later board ${name} too`)),
      ...left.map((directory) => `${directory} is not of this account alone; it stays as it is`),
    ],
  };
}
