/** Whether the kernel confines what works on users' files (landlock(7)). */
import fs from 'node:fs';
import { landlockAbi } from '../../system/landlock.ts';
import { type Check, inOrder } from '../finding.ts';

/** The security modules that the kernel was started with; undefined where it does not tell. */
function modules(): string | undefined {
  try {
    return fs.readFileSync('/sys/kernel/security/lsm', 'latin1').trim();
  } catch {
    return undefined;
  }
}

export const landlock: Check<unknown> = {
  name: 'landlock',
  run() {
    const abi = landlockAbi();
    if (abi > 0) return [inOrder('host', `the kernel has Landlock (version ${abi})`)];
    const active = modules();
    const now = active === undefined ? '' : ` It has now: ${active}.`;
    return [
      {
        severity: 'error',
        subject: 'host',
        what: 'the kernel has no Landlock',
        why:
          'It keeps rsync, untar and the servers inside the directories that they are for. ' +
          'Without it downloads by rsync are refused, and uploads go by a look beforehand at symbolic links only.',
        fix: `Boot a kernel from 5.13 on with CONFIG_SECURITY_LANDLOCK, and with "landlock" in lsm= on its command line.${now}`,
      },
    ];
  },
};
