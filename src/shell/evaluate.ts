/** Reads a configuration that is more than plain assignments, by the shell that it is written for. */
import { spawnSync } from 'node:child_process';
import type { Session } from './command.ts';
import { CommandError, ExitCode } from './errors.ts';
import { CONFIG_SCRIPT } from './scripts.ts';

const MAX_BYTES = 1024 * 1024;

/**
 * The value of target_config. What the file prints while it is read goes to standard error.
 *
 * @throws CommandError (78) if the shell cannot read the file; it has said why
 */
export function evaluateTargetConfig({ configPath, env }: Session): string {
  const args = ['-c', CONFIG_SCRIPT, 'novaboot-shell', configPath];
  const result = spawnSync('/bin/sh', args, {
    env: { ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: MAX_BYTES,
  });
  if (result.status !== 0) {
    const reason =
      result.error?.message ?? `/bin/sh ended with ${result.signal ?? `status ${result.status}`}`;
    throw new CommandError(`${configPath}: ${reason}`, ExitCode.configuration);
  }
  return result.stdout;
}
