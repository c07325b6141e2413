/** File capabilities (capabilities(7)): stored, but NFS version 3 has no extended attributes to carry them to the board. */

import { inOrder } from '../finding.ts';
import type { RootCheck } from './context.ts';
import { about } from './context.ts';

const DIRECTORIES = ['bin', 'sbin', 'usr/bin', 'usr/sbin', 'usr/libexec', 'usr/local/bin'];
const MAX_NAMES = 3000;

export const capabilities: RootCheck = {
  name: 'capabilities',
  run(context) {
    const { tree } = context;
    const files: string[] = [];
    // /bin may be a link to /usr/bin.
    const paths = new Set(DIRECTORIES.flatMap((directory) => tree.find(directory)?.path ?? []));
    for (const path of paths) {
      for (const name of tree.names(path).slice(0, MAX_NAMES)) {
        if (tree.hasAttribute(`${path}/${name}`, 'security.capability')) files.push(`/${path}/${name}`);
      }
    }
    if (files.length === 0) return [inOrder(context.subject, 'No program depends on file capabilities')];
    const shown = files.slice(0, 10).join(', ');
    return [
      about(context).warning(
        `File capabilities do not count on NFS: ${shown}${files.length > 10 ? ', ...' : ''}`,
        'They are kept, also for download, but the board does not see them: for others than root these programs fail.',
        'chmod u+s them; ping needs nothing with sysctl net.ipv4.ping_group_range="0 2147483647"; services get AmbientCapabilities= in their unit.',
      ),
    ];
  },
};
