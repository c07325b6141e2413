/** Whether the power switch answers. */
import { readPower } from '../../power/power.ts';
import { parseSpec } from '../../power/spec.ts';
import { CommandError, ExitCode } from '../../shell/errors.ts';
import { type Check, inOrder } from '../finding.ts';
import type { BoardContext } from './context.ts';

export const power: Check<BoardContext> = {
  name: 'power',
  async run({ session, name, settings, searched }) {
    const value = settings.get('power')?.trim();
    if (!value) return [];
    // Where drivers' programs are searched, as in novaboot-driver, which would be one more Node to start.
    process.env.PATH = searched;
    try {
      return [inOrder(name, `the power switch says ${await readPower(await parseSpec(value))}`)];
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      if (error.exitCode === ExitCode.notConfigured)
        return [inOrder(name, 'the power switch cannot tell its state')];
      // A value that is none is told by the check of the configuration.
      if (error.exitCode === ExitCode.configuration) return [];
      return [
        {
          severity: 'error',
          subject: name,
          what: `the power switch does not answer: ${error.message}`,
          why: 'The board cannot be switched on, and what is off stays off.',
          fix: `Look at the device and its cables or network, and at power in ${session.configPath}.`,
        },
      ];
    }
  },
};
