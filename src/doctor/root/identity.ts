/** Which machine the system takes itself for: machine-id(5), hostname(5), resolv.conf(5). */
import { inOrder, type Said } from '../finding.ts';
import { about, type RootCheck, type RootContext } from './context.ts';
import { hasSystemd, isNixos, startsAtBoot } from './services.ts';

function machineFindings(context: RootContext): Said[] {
  const { tree, hostMachine } = context;
  const { warning } = about(context, 'etc/machine-id');
  const id = tree.text('etc/machine-id')?.trim();
  const isEmptied = 'Empty the file before you upload (: >etc/machine-id): each board makes its own then.';
  if (id === undefined) {
    if (!hasSystemd(tree)) return [];
    const why =
      'systemd takes every boot for the first one: it sets units to their presets, and may ask questions on the console.';
    return [warning('It is missing', why, isEmptied)];
  }
  if (id === '' || id === 'uninitialized') return [];
  if (!/^[0-9a-f]{32}$/.test(id)) {
    return [
      warning(
        'It is no machine ID',
        'systemd and D-Bus refuse it: services fail, and DHCP gets another address at each boot.',
        isEmptied,
      ),
    ];
  }
  if (id !== hostMachine) return [];
  return [
    warning(
      "It is the server's own",
      "The root was copied from the server, or made on it: with DHCP the board asks for the server's address, and their logs mix.",
      isEmptied,
    ),
  ];
}

/** What kernels with ip=dhcp tell: Documentation/admin-guide/nfs/nfsroot.rst */
const PNP =
  'The kernel writes the name servers of ip=dhcp into /proc/net/pnp: ln -sf /proc/net/pnp etc/resolv.conf.';

function resolverFindings(context: RootContext): Said[] {
  const { tree } = context;
  const { warning } = about(context, 'etc/resolv.conf');
  const why = 'The board cannot look up host names.';
  const target = tree.target('etc/resolv.conf');
  const isResolved = /systemd\/resolve/.test(target ?? '');
  if (isResolved || /^nameserver\s+127\.0\.0\.53\b/m.test(tree.text('etc/resolv.conf') ?? '')) {
    if (startsAtBoot(tree, 'systemd-resolved')) return [];
    const what = 'It wants systemd-resolved, which does not start';
    return [warning(what, why, `Enable systemd-resolved (systemctl enable). ${PNP}`)];
  }
  // What lies in /proc or /run is made at boot, as is all of NixOS's, and by these the file.
  const makers = ['NetworkManager', 'connman', 'dhcpcd', 'resolvconf'];
  if (target !== undefined || isNixos(tree)) return [];
  if (makers.some((unit) => startsAtBoot(tree, unit))) return [];
  const text = tree.text('etc/resolv.conf');
  if (text !== undefined && /^nameserver\s/m.test(text)) return [];
  return [warning(text === undefined ? 'It is missing' : 'It names no server', why, PNP)];
}

export const identity: RootCheck = {
  name: 'identity',
  run(context) {
    const findings = [...machineFindings(context), ...resolverFindings(context)];
    return findings.length > 0
      ? findings
      : [inOrder(context.subject, 'Machine ID and name servers are fine')];
  },
};
