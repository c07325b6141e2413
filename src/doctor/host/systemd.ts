/** Whether the system's systemd does what boards need of it. */
import fs from 'node:fs';
import { outputOf } from '../ask-program.ts';
import { type Check, inOrder, type Said } from '../finding.ts';
import type { HostContext } from './context.ts';

const MANAGER = ['org.freedesktop.login1', '/org/freedesktop/login1', 'org.freedesktop.login1.Manager'];

async function loginFindings(signal: AbortSignal): Promise<Said[]> {
  const value = await outputOf('busctl', ['get-property', ...MANAGER, 'KillUserProcesses'], signal);
  if (value === undefined) {
    return [
      {
        severity: 'warning',
        subject: 'host',
        what: 'systemd-logind does not answer',
        why: 'Accounts get no systemd of their own, and nobody knows when the last session of a board has ended.',
        fix: 'apt-get install libpam-systemd dbus; systemctl start systemd-logind',
      },
    ];
  }
  if (value.trim() !== 'b true') return [inOrder('host', 'systemd-logind answers')];
  return [
    {
      severity: 'warning',
      subject: 'host',
      what: 'logind.conf has KillUserProcesses=yes',
      why: 'What holds a GPIO line, or an NFS server without systemd, ends with the session that has started it.',
      fix: 'Set KillUserProcesses=no in /etc/systemd/logind.conf, or let the accounts linger.',
    },
  ];
}

async function failedUnits(signal: AbortSignal): Promise<Said[]> {
  const words = ['list-units', '--failed', '--plain', '--no-legend', 'novaboot-*'];
  const listed = (await outputOf('systemctl', words, signal)) ?? '';
  return [...listed.matchAll(/^(\S+)/gm)].map(([, unit = '']) => ({
    severity: 'error',
    subject: 'host',
    what: `${unit} has failed`,
    why: 'A service of the boards does not work, or did not the last time.',
    fix: `Read why: journalctl -u ${unit}; afterwards: systemctl reset-failed ${unit}`,
  }));
}

export const systemd: Check<HostContext> = {
  name: 'systemd',
  async run(_, signal) {
    // sd_booted(3)
    if (!fs.existsSync('/run/systemd/system')) {
      return [
        {
          severity: 'warning',
          subject: 'host',
          what: 'systemd does not run here',
          why: 'NFS servers do not come back after a crash or a reboot, boards are not switched off, and the TFTP server has to be started by other means.',
          fix: 'Use a machine with systemd, or start novaboot-tftpd yourself.',
        },
      ];
    }
    return [...(await loginFindings(signal)), ...(await failedUnits(signal))];
  },
};
