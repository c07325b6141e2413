/** Whether the firewall lets boards in: to the TFTP server, and to the NFS servers that run. */
import { listeners, tcpPorts } from '../../system/listening.ts';
import { outputOf } from '../ask-program.ts';
import { type Check, inOrder, type Said } from '../finding.ts';
import type { HostContext } from './context.ts';
import { parseIptables } from './iptables-rules.ts';
import { isDropped, type Packet, parseRuleset, type Ruleset } from './nft-ruleset.ts';

interface Service extends Packet {
  readonly subject: string;
  readonly what: string;
}

const TFTP: Service = { protocol: 'udp', port: 69, subject: 'host', what: 'the TFTP server (udp port 69)' };
const SSH: Service = { protocol: 'tcp', port: 22, subject: 'host', what: 'sshd (tcp port 22)' };

/** Without the port in words, so that all boards have the same. */
function nfsServers({ boards }: HostContext): Service[] {
  const names = new Map(boards.map(({ name, uid }) => [uid, name]));
  return [...tcpPorts()].flatMap(([port, { uids }]) =>
    [...uids].flatMap((uid): Service[] => {
      const subject = names.get(uid);
      return subject === undefined ? [] : [{ protocol: 'tcp', port, subject, what: 'its NFS servers' }];
    }),
  );
}

/** @param same of one subject */
function closed(same: readonly Service[]): Said {
  const [{ subject, what, protocol }] = same as [Service];
  const ports = same.map(({ port }) => port);
  const set = ports.length === 1 ? `${ports[0]}` : `{ ${ports.join(', ')} }`;
  return {
    severity: 'error',
    subject,
    what: `the firewall drops what comes for ${what}`,
    why: 'To a board it looks as if the server were off.',
    fix: `Let the network of the boards in, before what drops it: nft add rule inet filter input iifname LAN ${protocol} dport ${set} accept (ufw: ufw allow in on LAN to any port ${ports.join()} proto ${protocol}).`,
  };
}

/** None of them loads a module of the kernel for tables that nobody has. */
const PROGRAMS: readonly (readonly [
  argv: readonly [string, ...string[]],
  parse: (text: string) => Ruleset,
])[] = [
  [['nft', '-j', 'list', 'ruleset'], parseRuleset],
  [['iptables-nft-save'], parseIptables],
  [['iptables-legacy-save'], parseIptables],
];

export const firewall: Check<HostContext> = {
  name: 'firewall',
  async run(context, signal) {
    const read = PROGRAMS.map(async ([[file, ...args], parse]) => {
      const text = await outputOf(file, args, signal);
      return text === undefined ? [] : [parse(text)];
    });
    const rulesets = (await Promise.all(read)).flat();
    // Without the programs nobody has set up one.
    if (rulesets.length === 0) return [];
    const running = [SSH, TFTP].filter(({ protocol, port }) => listeners(protocol, port).length > 0);
    const shut = [...running, ...nfsServers(context)].filter((service) =>
      rulesets.some((ruleset) => isDropped(ruleset, service)),
    );
    if (shut.length === 0) return [inOrder('host', 'the firewall does not shut boards out')];
    return [...Map.groupBy(shut, ({ subject, what }) => `${subject} ${what}`).values()].map(closed);
  },
};
