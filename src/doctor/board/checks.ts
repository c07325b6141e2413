/** What the account of a board can tell of it. */
import type { Check } from '../finding.ts';
import { commands } from './commands.ts';
import { configuration } from './configuration.ts';
import { console } from './console.ts';
import type { BoardContext } from './context.ts';
import { home } from './home.ts';
import { keys } from './keys.ts';
import { power } from './power.ts';
import { powerOff } from './power-off.ts';
import { space } from './space.ts';
import { tftp } from './tftp.ts';

const nfs: Check<BoardContext> = {
  name: 'nfs',
  async run(context) {
    if (context.nfs === undefined) return [];
    const { nfsFindings } = await import('./nfs.ts');
    return nfsFindings(context);
  },
};

export const boardChecks: readonly Check<BoardContext>[] = [
  configuration,
  commands,
  console,
  power,
  powerOff,
  keys,
  home,
  tftp,
  nfs,
  space,
];
