/** The system log, for what the administrator must know. */
import { spawnSync } from 'node:child_process';
import { printable } from './text.ts';

const MAX_LENGTH = 512;

/** Writes each message as a line, by logger(1). A machine without a log must not keep users from the board. */
export function systemLog(
  priority: 'err' | 'warning' | 'info',
  messages: string | readonly string[],
  program = 'novaboot-shell',
): void {
  const lines = [messages].flat().map((message) => `${printable(message).slice(0, MAX_LENGTH)}\n`);
  spawnSync('/usr/bin/logger', ['-p', `user.${priority}`, '-t', program], {
    input: lines.join(''),
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {},
    timeout: 2000,
  });
}
