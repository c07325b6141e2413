/** The log of a server: one line per event on stderr. */
import fs from 'node:fs';

/** sd-daemon(3), syslog(3) */
const PRIORITY = { error: 3, warning: 4, notice: 5, info: 6 } as const;

export type Priority = keyof typeof PRIORITY;

export type Log = (priority: Priority, message: string) => void;

/** What stands in front of a line: the priority for the journal, the time in a file, nothing on a terminal. */
export type LogStyle = 'journal' | 'file' | 'terminal';

const MAX_LINE = 2000;

/** One line without control characters: names of files and hosts come from others. */
export function oneLine(text: string): string {
  return text.replace(/[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '?').slice(0, MAX_LINE);
}

/** Writes a line at once; a reader who is gone or too slow loses it. */
export function writeLine(fd: number, line: string): void {
  try {
    fs.writeSync(fd, `${oneLine(line)}\n`);
  } catch {
    // EPIPE, EAGAIN, ENOSPC: the server is worth more than its log.
  }
}

function front(program: string, style: LogStyle, priority: Priority): string {
  const word = priority === 'error' || priority === 'warning' ? `${priority}: ` : '';
  if (style === 'journal') return `<${PRIORITY[priority]}>`;
  if (style === 'file') return `${new Date().toISOString()} ${word}`;
  return `${program}: ${word}`;
}

export function openLog(program: string, style: LogStyle, fd = 2): Log {
  return (priority, message) => writeLine(fd, `${front(program, style, priority)}${message}`);
}
