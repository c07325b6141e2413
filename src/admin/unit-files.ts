/** What administrators have written for systemd about one board: drop-ins of its units, units in place of ours, links. */
import fs from 'node:fs';
import path from 'node:path';
import { systemctl } from '../power-off/programs.ts';
import type { Account } from './account.ts';
import type { Change } from './change.ts';
import { isSystemdRunning } from './systemd.ts';

const UNITS = '/etc/systemd/system';
const INSTANCE = /^(novaboot-[a-z-]+)@(.+)\.(?:service|timer|path)(?:\.d)?$/;
/** Those of uids; all others are of names. */
const OF_UIDS: readonly (string | undefined)[] = ['novaboot-sessions', 'novaboot-session-state'];

function entries(directory: string): fs.Dirent[] {
  return fs.existsSync(directory) ? fs.readdirSync(directory, { withFileTypes: true }) : [];
}

/** They would count for a later board of this name, or uid, too. */
export function unitFiles(account: Pick<Account, 'name' | 'uid'>, directory = UNITS): string[] {
  return entries(directory).flatMap((entry) => {
    const file = path.join(directory, entry.name);
    const [, unit, instance] = INSTANCE.exec(entry.name) ?? [];
    if (instance === (OF_UIDS.includes(unit) ? String(account.uid) : account.name)) return [file];
    return entry.isDirectory() && entry.name.endsWith('.wants') ? unitFiles(account, file) : [];
  });
}

export function unitFilesChange(files: readonly string[]): Change {
  return {
    text: `- ${files.join(', ')}`,
    apply() {
      for (const file of files) fs.rmSync(file, { recursive: true, force: true });
      if (isSystemdRunning()) systemctl('daemon-reload');
    },
  };
}
