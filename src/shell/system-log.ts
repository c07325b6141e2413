/** The system log, for what the administrator must know. */
import { spawnSync } from 'node:child_process';
import { printable } from './text.ts';

const MAX_LENGTH = 512;

/** Writes one line through logger(1). A machine without a log must not keep users from the board. */
export function systemLog(priority: 'err' | 'warning' | 'info', message: string): void {
  const line = printable(message).slice(0, MAX_LENGTH);
  const options = ['-p', `user.${priority}`, '-t', 'novaboot-shell', '--', line];
  spawnSync('/usr/bin/logger', options, { stdio: 'ignore', env: {}, timeout: 2000 });
}
