/** From the words on the command line to an exit status. */
import { CommandError, ExitCode } from '../shell/errors.ts';
import { writeOut } from '../shell/output.ts';
import { report } from '../shell/run.ts';
import { printable } from '../shell/text.ts';
import { VERSION } from '../shell/version.ts';
import { type AdminCommand, type AdminTable, readWords } from './command.ts';

const PROGRAM = 'novaboot-admin';

async function runCommand(command: AdminCommand, argv: readonly string[]): Promise<number> {
  const words = readWords(command, argv);
  if (words === undefined) {
    const { commandHelp } = await import('./help.ts');
    writeOut(commandHelp(command));
    return 0;
  }
  if (!command.anyone && process.geteuid?.() !== 0) {
    throw new CommandError(
      `Only root may do this; say: sudo ${PROGRAM} ${command.name} ...`,
      ExitCode.notAllowed,
    );
  }
  const { run } = await command.load();
  return (await run(words)) ?? 0;
}

async function dispatch(table: AdminTable, [name, ...argv]: readonly string[]): Promise<number> {
  if (name === '--version') {
    writeOut(`${VERSION}\n`);
    return 0;
  }
  if (name === undefined || name === '--help' || name === '-h') {
    const { tableHelp } = await import('./help.ts');
    writeOut(tableHelp(table));
    return name === undefined ? ExitCode.usage : 0;
  }
  const command = table.find((each) => each.name === name);
  if (command !== undefined) return await runCommand(command, argv);
  throw new CommandError(
    `There is no command "${printable(name.slice(0, 60))}"; ${PROGRAM} --help lists them`,
    ExitCode.usage,
  );
}

/** @param argv what follows the program's name @returns the exit status */
export async function runAdmin(table: AdminTable, argv: readonly string[]): Promise<number> {
  const isHidden = table.some(({ name, hidden }) => hidden && name === argv[0]);
  try {
    return await dispatch(table, argv);
  } catch (error) {
    return await report(error, isHidden ? argv[0] : PROGRAM);
  }
}
