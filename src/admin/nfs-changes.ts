/** NFS root file systems for a board's users: ~/.novaboot-nfs, ~/nfsroot, and a user manager that stays. */
import fs from 'node:fs';
import path from 'node:path';
import { parseNfsConfig } from '../shell/nfs-config.ts';
import { endSessions } from './board-sessions.ts';
import { type Change, type Plan, runChange } from './change.ts';
import { NFS_NAMES, type NfsSettings } from './desired.ts';
import { fileChange, inHome, readHomeFile, statHome } from './home-file.ts';
import { nfsFile, nfsLines } from './nfs-file.ts';
import type { Subject } from './subject.ts';
import { isLingering, isSystemdRunning } from './systemd.ts';
import { conflictText, isUntouched } from './written-file.ts';

const FILE = '.novaboot-nfs';
const ROOTS = 'nfsroot';

function rootsDirectory({ home, account }: Subject): Change {
  return {
    text: `+ directory ${path.join(home, ROOTS)}, mode 0700`,
    apply: () => inHome(account(), ROOTS, (file) => fs.mkdirSync(file, { mode: 0o700 })),
    undo: () => inHome(account(), ROOTS, (file) => fs.rmdirSync(file)),
  };
}

/** What boards' root file systems hold is for nobody else. Another administrator's link stays. */
function privateRoots({ home, account }: Subject, mode: number): Change {
  const set = (value: number) => inHome(account(), ROOTS, (file) => fs.chmodSync(file, value));
  return {
    text: `~ directory ${path.join(home, ROOTS)}, mode 0700 instead of ${mode.toString(8).padStart(4, '0')}`,
    apply: () => set(0o700),
    undo: () => set(mode),
  };
}

export function rootsChanges(subject: Subject): Change[] {
  const stat = subject.resident && statHome(subject.resident, ROOTS);
  if (stat === undefined) return [rootsDirectory(subject)];
  const mode = stat.mode & 0o7777;
  return stat.isDirectory() && mode !== 0o700 ? [privateRoots(subject, mode)] : [];
}

/** Whether the file says the same, in whatever form. */
function saysSame(text: string, settings: NfsSettings): boolean {
  try {
    const [said, wanted] = [text, nfsLines(settings)].map((lines) => parseNfsConfig(FILE, lines));
    return NFS_NAMES.every((name) => JSON.stringify(said?.[name]) === JSON.stringify(wanted?.[name]));
  } catch {
    // Not even one that works.
    return false;
  }
}

/** The user manager runs without a session too, and with it the servers' sockets. */
function lingering({ name, existing, account }: Subject): Change {
  return {
    text: `+ lingering of ${name}: its NFS servers outlive its sessions`,
    apply: () => void runChange('loginctl', ['enable-linger', '--', name]),
    async undo() {
      runChange('loginctl', ['disable-linger', '--', name]);
      // Its user manager has begun, and an account whose processes run cannot go.
      if (existing === undefined) await endSessions(account());
    },
  };
}

function filePlan(subject: Subject, settings: NfsSettings): Plan {
  const before = subject.resident && readHomeFile(subject.resident, FILE);
  const none = { changes: [], conflicts: [], notes: [] };
  const after = nfsFile(settings);
  if (before === after || (before !== undefined && saysSame(before, settings))) return none;
  if (before !== undefined && !isUntouched(before)) {
    const said = conflictText(path.join(subject.home, FILE));
    return { ...none, conflicts: [said] };
  }
  return { ...none, changes: [fileChange(subject.account, subject.home, FILE, { before, after })] };
}

/** @throws CommandError where the file cannot be read */
export function nfsPlan(subject: Subject, settings: NfsSettings): Plan {
  const { changes, conflicts } = filePlan(subject, settings);
  if (!isSystemdRunning()) {
    const note = `systemd does not run here: the NFS servers of ${subject.name} are processes that get-config starts`;
    return { changes, conflicts, notes: [note] };
  }
  const stays = isLingering(subject.name) ? [] : [lingering(subject)];
  return { changes: [...changes, ...stays], conflicts, notes: [] };
}
