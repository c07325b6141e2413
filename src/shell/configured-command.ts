/** The console, reset and power commands of ~/.novaboot-shell, as programs to run. */
import path from 'node:path';
import type { Program } from '../system/process.ts';
import type { LockedCommand, Session } from './command.ts';
import { COMMAND_SCRIPT, RUN_COMMAND_SCRIPT } from './command-script.ts';
import { readConfig } from './config.ts';
import { isPowerOffDelayed } from './delayed-power-off.ts';
import { CommandError, ExitCode } from './errors.ts';
import { journalPath, powerRecord, sessionName } from './journal.ts';

export type ConfiguredName = 'default' | 'console' | 'reset' | 'on' | 'off';

/**
 * @param name `state` prints what the power driver sees
 * @param direct switches in this process also where systemd has to know of it: systemd itself asks
 */
export function configuredProgram(
  name: ConfiguredName | 'state',
  { configPath, home, user, env }: Session,
  { direct = false } = {},
): Program {
  const programs = path.dirname(process.argv[1] ?? '');
  const route = !direct && isPowerOffDelayed(home) ? path.join(programs, 'novaboot-power') : '';
  const parameters = [
    name,
    configPath,
    journalPath(home),
    powerRecord(user, sessionName(process.pid)),
    programs,
    route,
  ];
  const args = ['novaboot-shell', '-c', RUN_COMMAND_SCRIPT, 'novaboot-shell', COMMAND_SCRIPT, ...parameters];
  return { file: '/bin/sh', args, env };
}

/** A command that takes no arguments and runs what the configuration has under its name. */
export function configuredCommand(
  name: ConfiguredName,
  options: Pick<LockedCommand, 'attached'> = {},
): LockedCommand {
  return {
    ...options,
    prepare(session, args) {
      if (args.length > 0) throw new CommandError(`${name} takes no arguments`, ExitCode.usage);
      readConfig(session.configPath);
      return () => configuredProgram(name, session);
    },
  };
}
