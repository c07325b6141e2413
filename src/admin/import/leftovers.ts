/** What sessions and servers of the original leave in a home, or still run. */
import fs from 'node:fs';
import path from 'node:path';
import { type Check, inOrder, type Said } from '../../doctor/finding.ts';
import { processesNamed } from '../../system/proc.ts';
import type { Account } from '../account.ts';
import { asAccount } from '../as-account.ts';

const OLD_SERVER = 'unfsd';

function isOf(pid: number, uid: number): boolean {
  return fs.statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === uid;
}

function serverFindings({ name, uid }: Account): Said[] {
  const pids = processesNamed(OLD_SERVER).filter((pid) => isOf(pid, uid));
  if (pids.length === 0) return [];
  return [
    {
      severity: 'warning',
      subject: name,
      what: `the NFS server of the original still runs for the account (${OLD_SERVER}, process ${pids.join(', ')})`,
      why: 'get-config starts another one, on another port. A board that runs on the old one has its root only as long as that goes on.',
      fix: `Reboot the board after the next get-config, then: kill ${pids.join(' ')}; and remove what starts it (systemctl --user, as the account).`,
    },
  ];
}

/** Whoever has the account may fill a directory: what is beyond is not looked at. */
const MAX_ENTRIES = 4000;
const MAX_UNITS = 10;

function unitNames(directory: string): string[] {
  if (!fs.existsSync(directory)) return [];
  const names: string[] = [];
  const listing = fs.opendirSync(directory);
  try {
    for (let entries = 0; entries < MAX_ENTRIES && names.length < MAX_UNITS; entries += 1) {
      const name = listing.readSync()?.name;
      if (name === undefined) break;
      if (name.includes(OLD_SERVER)) names.push(name);
    }
  } finally {
    listing.closeSync();
  }
  return names.sort();
}

/** Units of the account's own that start it. */
function unitFindings(account: Account): Said[] {
  const directory = path.join(account.home, '.config/systemd/user');
  return asAccount(account, () => unitNames(directory)).map((name) => ({
    severity: 'warning',
    subject: account.name,
    what: `${path.join(directory, name)} starts the NFS server of the original`,
    why: 'It serves the same files on another port, past the queue for the board.',
    fix: `As the account: systemctl --user disable --now ${name}, and remove the file.`,
  }));
}

export const leftovers: Check<Account> = {
  name: 'original-leftovers',
  run(account) {
    const { name, home } = account;
    const found = [...serverFindings(account), ...unitFindings(account)];
    const hasPpid = asAccount(account, () =>
      fs.lstatSync(path.join(home, 'ppid'), { throwIfNoEntry: false }),
    );
    if (hasPpid)
      found.push(inOrder(name, '~/ppid is of a session of the original; it alone is never believed'));
    return found.length > 0 ? found : [inOrder(name, 'sessions and servers of the original left nothing')];
  },
};
