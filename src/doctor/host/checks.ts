/** What root can tell of the host. */
import type { Check } from '../finding.ts';
import { accounts } from './accounts.ts';
import type { HostContext } from './context.ts';
import { firewall } from './firewall.ts';
import { space } from './space.ts';
import { sshd } from './sshd.ts';
import { systemd } from './systemd.ts';
import { tftp } from './tftp.ts';

export const hostChecks: readonly Check<HostContext>[] = [sshd, accounts, systemd, tftp, firewall, space];
