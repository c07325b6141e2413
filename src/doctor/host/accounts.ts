/** Whether the accounts of boards are what the login shell takes for granted. */
import fs from 'node:fs';
import path from 'node:path';
import { type Check, inOrder, type Said } from '../finding.ts';
import type { BoardAccount, HostContext } from './context.ts';

type Wrong = Omit<Said, 'subject' | 'severity'>;

function lines(file: string): string[] {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n') : [];
}

/** What is wrong with one of them, from passwd(5), shadow(5) and shells(5). */
export class Accounts {
  private readonly shadow: ReadonlyMap<string, readonly string[]>;
  private readonly shells: ReadonlySet<string>;
  private readonly boards: readonly BoardAccount[];

  constructor(boards: readonly BoardAccount[], etc = '/etc') {
    this.boards = boards;
    const entries = lines(path.join(etc, 'shadow')).map((line) => line.split(':'));
    this.shadow = new Map(entries.map(([name = '', ...fields]) => [name, fields]));
    this.shells = new Set(lines(path.join(etc, 'shells')));
  }

  errorOf({ name, uid, home }: BoardAccount): Wrong | undefined {
    const twin = this.boards.find((other) => other.uid === uid && other.name !== name);
    if (twin !== undefined) {
      return {
        what: `the account has the same uid as ${twin.name}`,
        why: 'Users of one board can end and read what the other one has.',
        fix: 'Give each board an account of its own: novaboot-admin add-board.',
      };
    }
    const sharer = this.boards.find((other) => other.home === home && other.name !== name);
    if (sharer !== undefined) {
      return {
        what: `the account has the home directory of ${sharer.name}`,
        why: 'The lock, the keys and the configuration of a board are in its home directory.',
        fix: `Give it one of its own: usermod --home DIRECTORY ${name}.`,
      };
    }
    const stat = fs.statSync(home, { throwIfNoEntry: false });
    if (!stat?.isDirectory()) {
      return {
        what: `there is no home directory ${home}`,
        why: 'Nobody can log in: the keys are there.',
        fix: `Mount the file system that it is on (findmnt --fstab); if it is gone for good, novaboot-admin add-board ${name} makes another one.`,
      };
    }
    if (stat.uid !== uid && stat.uid !== 0) {
      return {
        what: `the home directory ${home} belongs to uid ${stat.uid}`,
        why: 'That account could let anybody in, so sshd refuses all keys of the board.',
        fix: `chown ${name} ${home}`,
      };
    }
    return this.overOf(name);
  }

  /** shadow(5), in days since 1970; pam_unix(8) looks at it with keys, too. */
  private overOf(name: string): Wrong | undefined {
    const [, changed, , lasts, , , ends] = this.shadow.get(name) ?? [];
    const today = Math.floor(Date.now() / 86_400_000);
    const isOver = ends && Number(ends) >= 0 && Number(ends) <= today;
    const isAged = lasts && Number(lasts) >= 0 && changed && today - Number(changed) > Number(lasts);
    if (!isOver && !isAged && changed !== '0') return undefined;
    return {
      what: isOver ? 'the account has expired' : 'the password of the account has to be changed',
      why: 'sshd lets nobody in, whatever key he has.',
      fix: `chage --expiredate -1 --lastday -1 --maxdays -1 ${name}`,
    };
  }

  warningOf({ name, shell }: BoardAccount): Wrong | undefined {
    const password = this.shadow.get(name)?.[0];
    if (password !== undefined && !/^[!*]/.test(password)) {
      return {
        what: password === '' ? 'the account has an empty password' : 'the account has a password',
        why: 'Who knows it logs in without a name, and past the keys.',
        fix: `passwd --lock ${name}`,
      };
    }
    if (this.shells.size > 0 && !this.shells.has(shell)) {
      return {
        what: `${shell} is not in /etc/shells`,
        why: 'Some programs refuse accounts with such a login shell (pam_shells, ftp servers, chsh).',
        fix: `add-shell ${shell}`,
      };
    }
    return undefined;
  }
}

/** The programs are run by accounts of boards, and some of them as root. */
function programFindings(shell: string): Said[] {
  const real = fs.realpathSync(shell);
  for (let file = real; ; file = path.dirname(file)) {
    const { uid, mode } = fs.statSync(file);
    // A directory like /tmp, in which only owners may replace files, is one all the same.
    if (uid !== 0 || (mode & 0o022) !== 0) {
      return [
        {
          severity: 'error',
          subject: 'host',
          what: `others than root may replace ${file}, through which ${shell} is found`,
          why: 'Who does so owns all boards, and root by novaboot-power.',
          fix: `chown root ${file}; chmod go-w ${file}`,
        },
      ];
    }
    if (file === '/') return [inOrder('host', `only root can replace ${shell}`)];
  }
}

/** pam_nologin(8), sshd(8) */
function closedFindings(): Said[] {
  const file = ['/etc/nologin', '/run/nologin'].find((name) => fs.existsSync(name));
  if (file === undefined) return [];
  const why = 'Only root can log in, so nobody can use a board.';
  return [{ severity: 'error', subject: 'host', what: `there is a file ${file}`, why, fix: `rm ${file}` }];
}

export const accounts: Check<HostContext> = {
  name: 'accounts',
  run({ boards, others, unsound }) {
    const all = new Accounts(boards);
    const findings = boards.flatMap((board): Said[] => {
      const error = all.errorOf(board);
      if (error !== undefined) return [{ severity: 'error', subject: board.name, ...error }];
      const warning = all.warningOf(board);
      return warning === undefined ? [] : [{ severity: 'warning', subject: board.name, ...warning }];
    });
    for (const { name, why } of unsound) {
      findings.push({
        severity: 'error',
        subject: name,
        what: `the account ${why}`,
        why: 'Whoever has a key of it still gets in, and what users upload and start is done with its rights.',
        fix: `Give it another login shell (usermod --shell SHELL ${name}), and the board an account of its own: novaboot-admin add-board.`,
      });
    }
    for (const { name, shell } of others) {
      if (!fs.existsSync(shell)) {
        findings.push({
          severity: 'error',
          subject: name,
          what: `the login shell ${shell} does not exist`,
          why: 'Nobody can log in.',
          fix: `Install the package again, or: usermod --shell /usr/bin/novaboot-shell ${name}`,
        });
        continue;
      }
      findings.push({
        severity: 'warning',
        subject: name,
        what: 'the login shell is another novaboot-shell, not the one of this installation',
        why: 'Nothing here knows the board: not doctor, check, status, nor its users.',
        fix: `novaboot-admin import ${name} tells what differs, and takes it over.`,
      });
    }
    if (boards.length > 0 && findings.length === 0)
      findings.push(inOrder('host', 'the accounts of the boards are in order'));
    const shells = [...new Set(boards.map(({ shell }) => shell))];
    return [...closedFindings(), ...findings, ...shells.flatMap(programFindings)];
  },
};
