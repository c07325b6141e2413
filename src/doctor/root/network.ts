/** Programs that configure the interface anew through which the board reaches its root file system. */
import type { StoredTree } from '../../rootfs/stored-tree.ts';
import { inOrder, type Said } from '../finding.ts';
import { about, type RootCheck, type RootContext } from './context.ts';
import { hasSystemd, startsAtBoot } from './services.ts';

const WHY =
  'The kernel has configured the interface (ip=dhcp) for its root. While a program takes it down or gives it another address, the board has no root: it hangs during the boot or the shutdown.';

const MAX_FILES = 50;
/** Interfaces that ifup(8) may have. */
const MAX_INTERFACES = 100;

/** Directory/name of files with an ending, those of a directory earlier in the list before others of the same name. */
function filesIn(tree: StoredTree, directories: readonly string[], ending: string): string[] {
  const files = new Map<string, string>();
  for (const directory of directories) {
    for (const name of tree
      .names(directory)
      .filter((each) => each.endsWith(ending))
      .slice(0, MAX_FILES)) {
      if (!files.has(name)) files.set(name, `${directory}/${name}`);
    }
  }
  return [...files.values()];
}

function textOf(tree: StoredTree, files: readonly string[]): string {
  return files.map((name) => tree.text(name) ?? '').join('\n');
}

/** The version of systemd, from the name of its library. */
function systemdVersion(tree: StoredTree): number | undefined {
  const directories = ['usr/lib/systemd', 'lib/systemd', ...multiarch(tree)];
  const names = directories.flatMap((directory) => tree.names(directory));
  const [, version] =
    /^libsystemd-shared-(\d+)/m.exec(
      names.filter((name) => name.startsWith('libsystemd-shared')).join('\n'),
    ) ?? [];
  return version === undefined ? undefined : Number(version);
}

function multiarch(tree: StoredTree): string[] {
  return tree
    .names('usr/lib')
    .filter((name) => /^\w+-linux-\w+$/.test(name))
    .map((name) => `usr/lib/${name}/systemd`);
}

/** Since then it keeps what the kernel has configured where the root is on a network: systemd.network(5), KeepConfiguration= */
const KEEPS_SINCE = 245;

/** Whether a .network file may be for the board's wired interface. */
function isWired(text: string): boolean {
  const match = /^\[Match\]([^[]*)/m.exec(text)?.[1] ?? '';
  if (
    /^(Kind|Virtualization)=/m.test(match) ||
    /^KernelCommandLine=!(nfsroot|root=\/dev\/nfs|ip)/m.test(match)
  )
    return false;
  if (/^Name=\s*(lo|wl\S*|ww\S*|br\S*|docker\S*|ve-\S*|vb-\S*)\s*$/m.test(match)) return false;
  return !/^Unmanaged=(yes|true|1)/m.test(text);
}

function networkd(context: RootContext): Said[] {
  const { tree } = context;
  if (!startsAtBoot(tree, 'systemd-networkd')) return [];
  const version = systemdVersion(tree);
  const isOld = version !== undefined && version < KEEPS_SINCE;
  const files = filesIn(
    tree,
    ['etc/systemd/network', 'usr/lib/systemd/network', 'lib/systemd/network'],
    '.network',
  );
  return files.flatMap((file) => {
    const text = tree.text(file) ?? '';
    // A mask: systemd.network(5).
    if (text === '') return [];
    const keep = /^KeepConfiguration=\s*(\S+)/m.exec(text)?.[1];
    const isKept = keep === undefined ? !isOld : /^(yes|true|1|on)$/.test(keep);
    if (!isWired(text) || isKept) return [];
    const what =
      keep === undefined
        ? `systemd-networkd ${version} drops the address that the kernel has`
        : `It says KeepConfiguration=${keep}`;
    return [
      about(context, file).warning(what, WHY, 'Write KeepConfiguration=yes into its section [Network].'),
    ];
  });
}

/** Netplan makes it the one for wired interfaces; Ubuntu's NetworkManager leaves them alone otherwise. */
function isNetplanForManager(tree: StoredTree): boolean {
  return ['etc/netplan', 'usr/lib/netplan'].some((directory) =>
    tree
      .names(directory)
      .slice(0, MAX_FILES)
      .some((name) => /^\s*renderer:\s*NetworkManager\b/m.test(tree.text(`${directory}/${name}`) ?? '')),
  );
}

/** Sections of a key file, `[name]` and what is below. */
function sectionsOf(text: string): { name: string; body: string }[] {
  return text.split(/^\[/m).map((part) => {
    const end = part.indexOf(']');
    return { name: part.slice(0, Math.max(end, 0)), body: part.slice(end + 1) };
  });
}

/** NetworkManager.conf(5), and README.Debian: interfaces of /etc/network/interfaces are not NetworkManager's where [ifupdown] says so. */
function isSparedByManager(tree: StoredTree): boolean {
  const directories = ['etc/NetworkManager/conf.d', 'usr/lib/NetworkManager/conf.d'];
  const isOverridden = isNetplanForManager(tree);
  const files = filesIn(tree, directories, '.conf').filter(
    (name) => !(isOverridden && name.endsWith('/10-globally-managed-devices.conf')),
  );
  const sections = sectionsOf(textOf(tree, ['etc/NetworkManager/NetworkManager.conf', ...files]));
  const unmanaged = sections
    .filter(({ name }) => name === 'keyfile')
    .flatMap(({ body }) => [...body.matchAll(/^unmanaged-devices\+?=(.*)$/gm)])
    .flatMap(([, list = '']) => list.split(/[;,]/).map((device) => device.trim()));
  // Debian's own list spares wired interfaces: *,except:type:wifi,...
  const isListed = unmanaged.some((device) =>
    /^(\*|type:ethernet|interface-name:=?(e|\*)\S*|mac:\S+)$/.test(device),
  );
  if (isListed && !unmanaged.includes('except:type:ethernet')) return true;
  const isWiredDevice = (body: string) =>
    !/^match-device=/m.test(body) || /^match-device=.*(\*|type:ethernet|interface-name:=?e|mac:)/m.test(body);
  const isManaged = (body: string) => !/^managed=(0|false|no)/m.test(body);
  if (sections.some(({ name, body }) => /^device/.test(name) && !isManaged(body) && isWiredDevice(body)))
    return true;
  return (
    sections.some(({ name, body }) => name === 'ifupdown' && !isManaged(body)) &&
    /^[ \t]*iface[ \t]+e\S+[ \t]+inet\b/m.test(interfacesText(tree))
  );
}

function networkManager(context: RootContext): Said[] {
  const { tree } = context;
  if (!startsAtBoot(tree, 'NetworkManager', 'network-manager') || isSparedByManager(tree)) return [];
  const profiles = tree.names('etc/NetworkManager/system-connections').slice(0, 3);
  const found = profiles.length === 0 ? '' : ` (profiles: ${profiles.join(', ')})`;
  const fix =
    'Let it alone with the interface: [keyfile] unmanaged-devices=interface-name:eth0, in /etc/NetworkManager/conf.d/nfsroot.conf.';
  return [
    about(context).warning(`NetworkManager starts, and may configure the interface anew${found}`, WHY, fix),
  ];
}

/** interfaces(5) */
function interfacesText(tree: StoredTree): string {
  const parts = tree.names('etc/network/interfaces.d').slice(0, MAX_FILES);
  return textOf(tree, ['etc/network/interfaces', ...parts.map((name) => `etc/network/interfaces.d/${name}`)]);
}

/** Interfaces that ifup(8) configures at boot: interfaces(5). Buildroot and Yocto have scripts that spare the one of the root. */
function ifupdown(context: RootContext): Said[] {
  const { tree } = context;
  const isStarted = startsAtBoot(tree, 'networking') || startsAtBoot(tree, 'network');
  if (!isStarted || tree.exists('etc/network/if-pre-up.d/nfsroot')) return [];
  const text = interfacesText(tree);
  if (/nfs_check/.test(text)) return [];
  const automatic = [...text.matchAll(/^[ \t]*(?:auto|allow-auto|allow-hotplug)[ \t]+(.+)$/gm)].flatMap(
    ([, names = '']) => names.split(/\s+/),
  );
  const names = [...new Set(automatic)].slice(0, MAX_INTERFACES).filter((name) => {
    const quoted = name.replace(/[^\w.-]/g, '.');
    return (
      name !== 'lo' &&
      new RegExp(`^[ \\t]*iface[ \\t]+${quoted}[ \\t]+inet[ \\t]+(dhcp|static)`, 'm').test(text)
    );
  });
  if (names.length === 0) return [];
  const fix = 'Write "iface NAME inet manual" for the interface of the root.';
  return [
    about(context, 'etc/network/interfaces').warning(
      `ifup configures ${names.join(', ')} anew at boot`,
      WHY,
      fix,
    ),
  ];
}

function dhcpcd(context: RootContext): Said[] {
  const { tree } = context;
  if (!startsAtBoot(tree, 'dhcpcd') && !startsAtBoot(tree, 'dhcpcd5')) return [];
  if (/^[ \t]*(denyinterfaces|allowinterfaces)[ \t]/m.test(tree.text('etc/dhcpcd.conf') ?? '')) return [];
  const fix = 'Write "denyinterfaces eth0" into /etc/dhcpcd.conf.';
  return [about(context, 'etc/dhcpcd.conf').warning('dhcpcd configures all interfaces anew', WHY, fix)];
}

function connman(context: RootContext): Said[] {
  const { tree } = context;
  if (!startsAtBoot(tree, 'connman')) return [];
  const main = tree.text('etc/connman/main.conf') ?? '';
  const unit = textOf(tree, [
    'etc/systemd/system/connman.service',
    'usr/lib/systemd/system/connman.service',
    'lib/systemd/system/connman.service',
  ]);
  const isSpared =
    /^NetworkInterfaceBlacklist=.*\b(eth|en|usb)/m.test(main) || /^ExecStart=.* (-I|--nodevice)/m.test(unit);
  // Yocto's script leaves out the interface of the root.
  if (
    isSpared ||
    (!hasSystemd(tree) && /nfsroot|\/proc\/cmdline/.test(tree.text('etc/init.d/connman') ?? ''))
  )
    return [];
  const fix = 'Write NetworkInterfaceBlacklist=eth into the section [General] of /etc/connman/main.conf.';
  return [about(context).warning('connman starts, and configures the interface anew', WHY, fix)];
}

/** OpenWrt's: a file that is missing is made at the first boot, with DHCP or an address for every interface. */
function netifd(context: RootContext): Said[] {
  const { tree } = context;
  if (!tree.exists('sbin/netifd') || !startsAtBoot(tree, 'network')) return [];
  const text = tree.text('etc/config/network');
  const sections = (text ?? '').split(/^config[ \t]+/m).filter((section) => /^interface\b/.test(section));
  const isSpared = (section: string) =>
    /^[ \t]*option[ \t]+(proto[ \t]+['"]?none|(device|ifname)[ \t]+['"]?lo\b)/m.test(section);
  if (text !== undefined && sections.every(isSpared)) return [];
  const fix =
    "Write option proto 'none' for the interface of the root into /etc/config/network, and leave it out of bridges.";
  return [about(context, 'etc/config/network').warning('netifd configures the interfaces anew', WHY, fix)];
}

export const network: RootCheck = {
  name: 'network',
  run(context) {
    const findings = [networkd, networkManager, ifupdown, dhcpcd, connman, netifd].flatMap((look) =>
      look(context),
    );
    return findings.length > 0
      ? findings
      : [inOrder(context.subject, 'Nothing that is known takes the interface of the root down')];
  },
};
