/** Whether there is room for logs, journals, and boot files. */
import type { Check } from '../finding.ts';
import { spaceFindings } from '../space.ts';
import type { HostContext } from './context.ts';

export const space: Check<HostContext> = {
  name: 'host-space',
  run: () => spaceFindings('host', ['/', '/var/lib', '/srv/tftp', '/home', '/run']),
};
