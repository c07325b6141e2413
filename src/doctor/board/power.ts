/** Whether the power switch answers. */
import { configuredProgram } from '../../shell/configured-command.ts';
import { ExitCode } from '../../shell/errors.ts';
import { askProgram } from '../ask-program.ts';
import { type Check, inOrder } from '../finding.ts';
import type { BoardContext } from './context.ts';

/** What it says of itself, without our name in front. */
function lastLine(text: string): string {
  return (text.trimEnd().split('\n').at(-1) ?? '').replace(/^novaboot-shell: (?:power: )?/, '');
}

export const power: Check<BoardContext> = {
  name: 'power',
  async run({ session, name, settings }, signal) {
    if (!settings.get('power')) return [];
    const { file, args, env } = configuredProgram('state', session);
    const answer = await askProgram(file, args.slice(1), signal, env);
    if (answer?.status === 0) return [inOrder(name, `the power switch says ${answer.stdout.trim()}`)];
    if (answer?.status === ExitCode.notConfigured)
      return [inOrder(name, 'the power switch cannot tell its state')];
    // A value that is none is told by the check of the configuration.
    if (answer?.status === ExitCode.configuration) return [];
    return [
      {
        severity: 'error',
        subject: name,
        what: `the power switch does not answer: ${lastLine(answer?.stderr ?? '') || 'no reason given'}`,
        why: 'The board cannot be switched on, and what is off stays off.',
        fix: `Look at the device and its cables or network, and at power in ${session.configPath}.`,
      },
    ];
  },
};
