/** Whether others may read or change what is the account's alone. */
import fs from 'node:fs';
import path from 'node:path';
import { type Check, inOrder, type Said } from '../finding.ts';
import type { BoardContext } from './context.ts';

/** What sshd looks at before it believes authorized_keys (sshd_config(5), StrictModes). */
const OF_KEYS = ['', '.ssh', '.ssh/authorized_keys'];

function keyPathFindings(home: string, subject: string): Said[] {
  return OF_KEYS.flatMap((name): Said[] => {
    const file = path.join(home, name);
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    const isForeign = stat.uid !== 0 && stat.uid !== process.getuid?.();
    if (!isForeign && (stat.mode & 0o022) === 0) return [];
    return [
      {
        severity: 'error',
        subject,
        what: isForeign
          ? `${file} belongs to another account`
          : `others than the account may write to ${file}`,
        why: 'They could let anybody in; so sshd refuses all keys of the board.',
        fix: isForeign ? `chown ${subject} ${file}` : `chmod go-w ${file}`,
      },
    ];
  });
}

/** Values that hold a password or the like: novaboot-shell.conf(5), Power. */
const SECRET = /:\/\/[^/@\s]*:[^/@\s]*@|\b(?:community|auth|priv)=/;

function mayBeReadByOthers(home: string, file: string): boolean {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat !== undefined && (stat.mode & 0o044) !== 0 && (fs.statSync(home).mode & 0o011) !== 0;
}

export const home: Check<BoardContext> = {
  name: 'home',
  run({ session, name, settings }) {
    const findings = keyPathFindings(session.home, name);
    if (SECRET.test(settings.get('power') ?? '') && mayBeReadByOthers(session.home, session.configPath)) {
      findings.push({
        severity: 'warning',
        subject: name,
        what: `other accounts of this host may read the password in ${session.configPath}`,
        why: 'Who has it switches the power of the board, whoever has the board.',
        fix: `chmod 600 ${session.configPath}`,
      });
    }
    const roots = path.join(session.home, 'nfsroot');
    const stat = fs.statSync(roots, { throwIfNoEntry: false });
    if (stat !== undefined && (stat.mode & 0o077) !== 0) {
      findings.push({
        severity: 'error',
        subject: name,
        what: 'other accounts of this host may enter ~/nfsroot',
        why: "Root file systems hold boards' passwords and keys, in files whose modes are those of the board.",
        fix: `chmod 700 ${roots}`,
      });
    }
    return findings.length > 0 ? findings : [inOrder(name, "the home directory is the account's alone")];
  },
};
