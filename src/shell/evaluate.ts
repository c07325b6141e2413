/** Reads a configuration that is more than plain assignments, by the shell that it is written for. */
import { spawnSync } from 'node:child_process';
import type { Session } from './command.ts';
import { CommandError, ExitCode } from './errors.ts';
import { writeError } from './output.ts';
import { CONFIG_SCRIPT } from './scripts.ts';

const MAX_BYTES = 1024 * 1024;

/** What the shell said last, without the names that we put in front ourselves. */
function complaint(stderr: string, configPath: string): string {
  const last = stderr.trimEnd().split('\n').at(-1) ?? '';
  return last.replace(/^novaboot-shell: (\d+: )?/, '').replace(`${configPath}: `, '');
}

/**
 * The value of target_config. What the file prints while it is read goes to standard error.
 *
 * @throws CommandError (78) if the shell cannot read the file, with what the shell said
 */
export function evaluateTargetConfig({ configPath, env }: Session): string {
  const args = ['-c', CONFIG_SCRIPT, 'novaboot-shell', configPath];
  const { status, signal, stdout, stderr, error } = spawnSync('/bin/sh', args, {
    env: { ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'latin1',
    maxBuffer: MAX_BYTES,
  });
  if (status === 0) {
    writeError(Buffer.from(stderr, 'latin1'));
    return stdout;
  }
  const reason =
    error?.message || complaint(stderr, configPath) || `/bin/sh ended with ${signal ?? `status ${status}`}`;
  throw new CommandError(`${configPath}: ${reason}`, ExitCode.configuration);
}
