/** Whether the firewall lets boards in: to the TFTP server, and to the NFS servers that run. */
import { listeners, portsOf } from '../../system/listening.ts';
import { outputOf } from '../ask-program.ts';
import { type Check, inOrder, type Said } from '../finding.ts';
import type { HostContext } from './context.ts';
import { isDropped, type Packet, parseRuleset } from './nft-ruleset.ts';

interface Service extends Packet {
  readonly subject: string;
  readonly what: string;
}

const TFTP: Service = { protocol: 'udp', port: 69, subject: 'host', what: 'the TFTP server' };
const SSH: Service = { protocol: 'tcp', port: 22, subject: 'host', what: 'sshd' };

function nfsServers({ boards }: HostContext): Service[] {
  return boards.flatMap(({ name, uid }) =>
    portsOf(uid, 'tcp').map(
      (port) => ({ protocol: 'tcp', port, subject: name, what: 'its NFS servers' }) as const,
    ),
  );
}

function closed({ subject, what, protocol, port }: Service): Said {
  return {
    severity: 'error',
    subject,
    what: `the firewall drops what comes for ${what} (${protocol} port ${port})`,
    why: 'To a board it looks as if the server were off.',
    fix: `Let the network of the boards in, before what drops it: nft add rule inet filter input iifname LAN ${protocol} dport ${port} accept (ufw: ufw allow in on LAN to any port ${port} proto ${protocol}).`,
  };
}

export const firewall: Check<HostContext> = {
  name: 'firewall',
  async run(context, signal) {
    const json = await outputOf('nft', ['-j', 'list', 'ruleset'], signal);
    // Without the program nobody has set up one.
    if (json === undefined) return [];
    const ruleset = parseRuleset(json);
    const running = [SSH, TFTP].filter(({ protocol, port }) => listeners(protocol, port).length > 0);
    const shut = [...running, ...nfsServers(context)].filter((service) => isDropped(ruleset, service));
    return shut.length > 0 ? shut.map(closed) : [inOrder('host', 'the firewall does not shut boards out')];
  },
};
