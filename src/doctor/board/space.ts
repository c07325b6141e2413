/** Whether there is room for what users upload. */
import path from 'node:path';
import type { Check } from '../finding.ts';
import { spaceFindings } from '../space.ts';
import type { BoardContext } from './context.ts';

export const space: Check<BoardContext> = {
  name: 'space',
  run: ({ session: { home }, name }) =>
    spaceFindings(name, [home, path.join(home, 'tftproot'), path.join(home, 'nfsroot')]),
};
