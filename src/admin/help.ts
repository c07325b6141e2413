/** --help, from the table. */
import { type AdminCommand, type AdminOption, type AdminTable, formOf, HELP } from './command.ts';

const PROGRAM = 'novaboot-admin';
const WIDTH = 22;

function row(left: string, summary: string): string {
  const gap = left.length < WIDTH ? left.padEnd(WIDTH) : `${left}\n${' '.repeat(WIDTH + 2)}`;
  return `  ${gap}${summary}\n`;
}

function optionRow({ name, value, letter, summary }: AdminOption): string {
  const short = letter === undefined ? '' : `-${letter}, `;
  return row(`${short}--${name}${value === undefined ? '' : ` ${value}`}`, summary);
}

export function tableHelp(table: AdminTable): string {
  const rows = table.filter(({ hidden }) => !hidden).map(({ name, summary }) => row(name, summary));
  return `Usage: ${PROGRAM} COMMAND [ARGUMENT...]

Boards of a lab, each an account with the login shell novaboot-shell: see novaboot-admin(8).

${rows.join('')}
${PROGRAM} COMMAND --help tells more, ${PROGRAM} --version the version.
`;
}

export function commandHelp(command: AdminCommand): string {
  const rows = [...(command.options ?? []), HELP].map(optionRow);
  return `Usage: ${command.hidden ? '' : `${PROGRAM} `}${command.name} ${formOf(command)}`.trimEnd().concat(`

${command.summary}

${rows.join('')}`);
}
