/** Whether the automatic power-off, where it is enabled, has what it needs. */
import path from 'node:path';
import { isPowerOffDelayed } from '../../shell/delayed-power-off.ts';
import { askProgram } from '../ask-program.ts';
import { type Check, inOrder } from '../finding.ts';
import type { BoardContext } from './context.ts';

export const powerOff: Check<BoardContext> = {
  name: 'power-off',
  async run({ session: { home }, name }, signal) {
    if (!isPowerOffDelayed(home)) return [];
    const program = path.join(path.dirname(process.argv[1] ?? ''), 'novaboot-power');
    // Only asks whether the account might.
    const answer = await askProgram('sudo', ['-n', '-l', program, 'off'], signal);
    if (answer?.status === 0) return [inOrder(name, 'the account may have systemd switch the board')];
    return [
      {
        severity: 'error',
        subject: name,
        what:
          answer === undefined
            ? 'the automatic power-off is enabled, but there is no sudo'
            : `the automatic power-off is enabled, but sudo does not let the account run ${program}`,
        why: 'on and off fail, and nothing switches the board off.',
        fix:
          answer === undefined
            ? 'apt-get install sudo'
            : `adduser ${name} novaboot; the rule for that group is in /etc/sudoers.d (novaboot.sudoers).`,
      },
    ];
  },
};
