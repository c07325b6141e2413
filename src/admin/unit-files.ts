/** What administrators have written for systemd about one board: drop-ins of its units, units in place of ours, links. */
import fs from 'node:fs';
import path from 'node:path';
import { systemctl } from '../power-off/programs.ts';
import type { Change } from './change.ts';
import { isSystemdRunning } from './systemd.ts';

const UNITS = '/etc/systemd/system';
const OF_BOARD = /^novaboot-[a-z-]+@(.+)\.(?:service|timer|path)(?:\.d)?$/;

function entries(directory: string): fs.Dirent[] {
  return fs.existsSync(directory) ? fs.readdirSync(directory, { withFileTypes: true }) : [];
}

/** They would count for a later board of this name too. */
export function unitFiles(board: string, directory = UNITS): string[] {
  return entries(directory).flatMap((entry) => {
    const file = path.join(directory, entry.name);
    if (OF_BOARD.exec(entry.name)?.[1] === board) return [file];
    return entry.isDirectory() && entry.name.endsWith('.wants') ? unitFiles(board, file) : [];
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
