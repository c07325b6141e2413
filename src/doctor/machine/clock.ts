/** Whether the clock is right, as far as this machine can tell. */
import fs from 'node:fs';
import { isClockSynchronized } from '../../system/clock.ts';
import { type Check, inOrder, type Said } from '../finding.ts';

const DAY = 86_400_000;

/** @param installed when our own program was, in milliseconds since 1970: time does not run backwards */
export function clockFinding(
  now: number,
  installed: number,
  synchronized: boolean | undefined,
): readonly Said[] {
  if (now < installed - DAY) {
    return [
      {
        severity: 'error',
        subject: 'host',
        what: `the clock says ${new Date(now).toISOString().slice(0, 10)}, which is before this program was made`,
        why: 'Boards that mount their root get times of files from here; make, certificates and logs go wrong by them.',
        fix: 'Set the clock (date -s), and install chrony or systemd-timesyncd to keep it right.',
      },
    ];
  }
  if (synchronized === undefined) return [];
  if (synchronized) return [inOrder('host', 'the clock is kept right by another one')];
  return [
    {
      severity: 'warning',
      subject: 'host',
      what: 'nothing keeps the clock right',
      why: 'Times in logs, of files of boards, and of certificates drift apart from those of everybody else.',
      fix: 'Install chrony or systemd-timesyncd, and give it a server that can be reached from here.',
    },
  ];
}

export const clock: Check<unknown> = {
  name: 'clock',
  run() {
    const installed = fs.statSync(process.argv[1] ?? process.execPath).mtimeMs;
    return clockFinding(Date.now(), installed, isClockSynchronized());
  },
};
