/** Lists the commands, from their table. */
import type { CommandEntry, CommandTable, Session } from '../shell/command.ts';
import { writeOut } from '../shell/output.ts';

const WIDTH = 26;

function lines(list: readonly CommandEntry[]): string {
  return list
    .map(({ name, parameters, summary }) => `- ${[name, parameters].join(' ').padEnd(WIDTH)} ${summary}\n`)
    .join('');
}

export function helpText(table: CommandTable, admin: boolean): string {
  const named = table.filter(({ name }) => name !== '');
  const target = lines(named.filter((command) => !command.admin));
  const management = lines(named.filter((command) => command.admin));
  const waiting = `
Without a command: default_cmd if it is configured, else console. A board has one user at a time; the
others wait. With --no-wait behind a command it gives up at once (exit status 75), with --wait SECONDS
after that time.\n`;
  return `Target commands:\n${target}${admin ? `\nManagement commands:\n${management}` : ''}${waiting}`;
}

export function run({ admin }: Session, _args: readonly string[], table: CommandTable): void {
  writeOut(helpText(table, admin));
}
