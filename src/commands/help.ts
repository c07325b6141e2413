/** Lists the commands, or tells about one, from their table and the manual. */
import { formsOf } from '../shell/arguments.ts';
import type { CommandEntry, CommandTable, Session } from '../shell/command.ts';
import { writeError, writeOut } from '../shell/output.ts';
import { printable } from '../shell/text.ts';
import { wrapped } from './help/wrapped.ts';

/** Columns for a command and its parameters; longer ones have a line of their own. */
const WIDTH = 26;

function lines(list: readonly CommandEntry[]): string {
  const indent = ' '.repeat(WIDTH + 3);
  return list
    .map(({ name, parameters, summary }) => {
      const form = `- ${[name, parameters].join(' ').padEnd(WIDTH)}`;
      const text = wrapped(summary, indent);
      return form.length < indent.length ? form + text.slice(form.length) : `${form}\n${text}`;
    })
    .join('');
}

function helpText(table: CommandTable, admin: boolean): string {
  const named = table.filter(({ name }) => name !== '');
  const target = lines(named.filter((command) => !command.admin));
  const management = lines(named.filter((command) => command.admin));
  const waiting = `
Without a command: default_cmd if it is configured, else console. A board has
one user at a time; the others wait. With --no-wait behind a command it gives
up at once (exit status 75), with --wait SECONDS after that time.\n`;
  return `Target commands:\n${target}${admin ? `\nManagement commands:\n${management}` : ''}${waiting}`;
}

const WAITING = `
It needs the board: others wait meanwhile, and you may have to wait. --no-wait
or --wait SECONDS behind its name says how long you would.
`;

async function commandText(entry: CommandEntry): Promise<string> {
  const { manualOf } = await import('./help/manual.ts');
  const forms = formsOf(entry).map((form) => `ssh BOARD ${form}\n`);
  return `Usage: ${forms.join('       ')}\n${manualOf(entry.name) || `${entry.summary}.\n`}${entry.locked ? WAITING : ''}`;
}

export async function run({ admin }: Session, [name]: readonly string[], table: CommandTable): Promise<void> {
  const known = table.filter((command) => command.name !== '' && (!command.admin || admin));
  const entry = known.find((command) => command.name === name);
  // As the original does, which passes over further words.
  if (name !== undefined && !entry) writeError(`novaboot-shell: There is no command ${printable(name)}\n`);
  writeOut(entry ? await commandText(entry) : helpText(table, admin));
}
