/** Whether the automatic power-off, where it is enabled, has what it needs. */
import path from 'node:path';
import { isPowerOffDelayed } from '../../shell/delayed-power-off.ts';
import { askProgram } from '../ask-program.ts';
import { type Check, inOrder, type Said } from '../finding.ts';
import type { BoardContext } from './context.ts';

/** What notices that a session has ended: started by the account's own systemd, and stopped by others (units/). */
async function sessionFindings({ session, name }: BoardContext, signal: AbortSignal): Promise<Said[]> {
  const uid = process.getuid?.();
  const unit = `novaboot-sessions@${uid}.path`;
  const states = await askProgram('systemctl', ['is-active', `user@${uid}.service`, unit], signal);
  // Where the account's own systemd does not run, nothing is to be noticed.
  if (!/^active\n(?:inactive|failed)\n$/.test(states?.stdout ?? '')) return [];
  // While that starts, the unit may be still to come. From another process namespace it cannot be asked.
  const words = ['--user', 'is-active', 'default.target'];
  const started = await askProgram('systemctl', words, signal, session.env);
  if (/^(?:inactive|activating)\n$/.test(started?.stdout ?? '')) return [];
  return [
    {
      severity: 'error',
      subject: name,
      what: `the automatic power-off is enabled, but ${unit} does not run`,
      why: 'Nothing notices that the last session has ended: the board stays on.',
      fix: `systemctl start ${unit}`,
    },
  ];
}

export const powerOff: Check<BoardContext> = {
  name: 'power-off',
  async run(context, signal) {
    const { session, name } = context;
    if (!isPowerOffDelayed(session.home)) return [];
    const program = path.join(path.dirname(process.argv[1] ?? ''), 'novaboot-power');
    // Only asks whether the account might.
    const answer = await askProgram('sudo', ['-n', '-l', program, 'off'], signal);
    if (answer?.status === 0) {
      const found = await sessionFindings(context, signal);
      return found.length > 0 ? found : [inOrder(name, 'the account may have systemd switch the board')];
    }
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
