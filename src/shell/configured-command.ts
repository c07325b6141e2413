/** The console, reset and power commands of ~/.novaboot-shell, as programs to run. */
import type { Program } from '../system/process.ts';
import type { LockedCommand, Session } from './command.ts';
import { readConfig } from './config.ts';
import { CommandError, ExitCode } from './errors.ts';
import { COMMAND_SCRIPT } from './scripts.ts';

export type ConfiguredName = 'default' | 'console' | 'reset' | 'on' | 'off';

export function configuredProgram(name: ConfiguredName, session: Session): Program {
  const args = ['novaboot-shell', '-c', COMMAND_SCRIPT, 'novaboot-shell', name, session.configPath];
  return { file: '/bin/sh', args, env: session.env };
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
