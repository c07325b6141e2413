import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { capabilities } from '../../../src/doctor/root/capabilities.ts';
import { rootChecks } from '../../../src/doctor/root/checks.ts';
import { directories } from '../../../src/doctor/root/directories.ts';
import { diskServices } from '../../../src/doctor/root/disk-services.ts';
import { fstab } from '../../../src/doctor/root/fstab.ts';
import { identity } from '../../../src/doctor/root/identity.ts';
import { login } from '../../../src/doctor/root/login.ts';
import { modules } from '../../../src/doctor/root/modules.ts';
import { network } from '../../../src/doctor/root/network.ts';
import { owners } from '../../../src/doctor/root/owners.ts';
import { ARM64, program, RootTree, type Stored } from './root-tree.ts';

let tree: RootTree;
beforeEach(() => {
  tree = new RootTree();
});
afterEach(() => tree.remove());

const SYSTEMD: Readonly<Record<string, Stored>> = { 'usr/lib/systemd/systemd': program(ARM64) };

/** A service that systemd starts. */
function enabled(unit: string): Record<string, Stored> {
  return {
    ...SYSTEMD,
    [`usr/lib/systemd/system/${unit}.service`]: '[Service]\n',
    [`etc/systemd/system/multi-user.target.wants/${unit}.service`]: {
      link: `/usr/lib/systemd/system/${unit}.service`,
    },
  };
}

describe('fstab', () => {
  it.each([
    ['', []],
    ['/dev/root / auto rw 0 0\nproc /proc proc defaults 0 0\n', []],
    ['# /dev/sda1 / ext4 defaults 0 1\n', []],
    ['10.0.0.1:/root / nfs v3 0 0\n', []],
    // Yocto's, and Buildroot's.
    ['/dev/root / auto defaults 1 1\n', []],
    ['/dev/root\t/\text2\trw,noauto\t0\t1\n', []],
    [
      '/dev/root / auto errors=remount-ro 0 1\n',
      ['warning root, /etc/fstab: Options of / that NFS does not know: errors=remount-ro'],
    ],
    [
      '/dev/mmcblk0p2 / ext4 defaults,noatime 0 0\n',
      ['warning root, /etc/fstab: It wants /dev/mmcblk0p2 (ext4) as /'],
    ],
    [
      '/dev/mmcblk0p2 / ext4 defaults,noatime 0 1\n',
      ['error root, /etc/fstab: It wants /dev/mmcblk0p2 (ext4) as /'],
    ],
    [
      'PARTUUID=1-2\t/ ext4 errors=remount-ro\n',
      ['error root, /etc/fstab: It wants PARTUUID=1-2 (ext4) as /'],
    ],
    ['/dev/sda1 /boot vfat defaults 0 2\n', ['warning root, /etc/fstab: It wants /dev/sda1 at /boot']],
    ['/dev/sda1 /usr ext4 defaults 0 2\n', ['error root, /etc/fstab: It wants /dev/sda1 at /usr']],
    ['/dev/sda1 /boot vfat nofail 0 2\n/dev/sdb1 /x ext4 noauto\n', []],
    ['UUID=1-2 none swap sw 0 0\n', ['warning root, /etc/fstab: It wants UUID=1-2 as swap']],
    ['UUID=1-2 none swap sw,nofail 0 0\n/dev/zram0 none swap defaults 0 0\n', []],
    ['/swapfile none swap sw 0 0\n', ['warning root, /etc/fstab: It wants the file /swapfile as swap']],
  ])('%j', async (text, said) => {
    tree.add({ ...SYSTEMD, 'etc/fstab': text });
    expect((await tree.said(fstab)).filter((line) => !line.startsWith('ok '))).toEqual(said);
  });

  it('lets systems without systemd have disks that may be missing', async () => {
    tree.add({ 'etc/fstab': '/dev/sda1 /boot vfat defaults 0 2\n' });
    expect(await tree.said(fstab)).toEqual(['ok root: /etc/fstab leaves the root file system alone']);
  });
});

describe('network', () => {
  const FINE = ['ok root: Nothing that is known takes the interface of the root down'];
  const DHCP = '[Match]\nName=eth*\n[Network]\nDHCP=yes\n';
  const manager = 'NetworkManager starts, and may configure the interface anew';
  const UBUNTU = {
    'usr/lib/NetworkManager/conf.d/10-globally-managed-devices.conf':
      '[keyfile]\nunmanaged-devices=*,except:type:wifi,except:type:gsm,except:type:cdma\n',
  };
  const OPENWRT = { 'sbin/netifd': '', 'etc/rc.d/S20network': { link: '../init.d/network' } };
  const LOOPBACK = "config interface 'loopback'\n\toption device 'lo'\n\toption proto 'static'\n\n";
  const netifd = 'warning root, /etc/config/network: netifd configures the interfaces anew';

  it.each<[string, Record<string, Stored>, string[]]>([
    ['nothing', {}, FINE],
    [
      'networkd that keeps it',
      { ...enabled('systemd-networkd'), 'etc/systemd/network/1.network': DHCP },
      FINE,
    ],
    [
      'an old networkd',
      {
        ...enabled('systemd-networkd'),
        'lib/systemd/libsystemd-shared-241.so': '',
        'etc/systemd/network/1.network': DHCP,
        'lib/systemd/network/80-container.network': '[Match]\nVirtualization=container\n',
        'etc/systemd/network/2.network': '[Match]\nName=wlan0\n[Network]\nDHCP=yes\n',
        'etc/systemd/network/3.network': `${DHCP}KeepConfiguration=yes\n`,
      },
      [
        'warning root, /etc/systemd/network/1.network: systemd-networkd 241 drops the address that the kernel has',
      ],
    ],
    [
      'networkd that is told not to keep it',
      {
        ...enabled('systemd-networkd'),
        'etc/systemd/network/1.network': `${DHCP}KeepConfiguration=static\n`,
      },
      ['warning root, /etc/systemd/network/1.network: It says KeepConfiguration=static'],
    ],
    [
      'an old networkd with a mask',
      {
        ...enabled('systemd-networkd'),
        'lib/systemd/libsystemd-shared-241.so': '',
        'lib/systemd/network/80-wired.network': DHCP,
        'etc/systemd/network/80-wired.network': { link: '/dev/null' },
      },
      FINE,
    ],
    [
      'networkd that does not start',
      { ...SYSTEMD, 'usr/lib/systemd/system/systemd-networkd.service': 'x' },
      FINE,
    ],
    ['NetworkManager', enabled('NetworkManager'), [`warning root: ${manager}`]],
    [
      'NetworkManager with a profile',
      { ...enabled('NetworkManager'), 'etc/NetworkManager/system-connections/Wired.nmconnection': '' },
      [`warning root: ${manager} (profiles: Wired.nmconnection)`],
    ],
    [
      'NetworkManager that lets it alone',
      {
        ...enabled('NetworkManager'),
        'etc/NetworkManager/conf.d/x.conf': '[keyfile]\nunmanaged-devices=interface-name:eth0\n',
      },
      FINE,
    ],
    [
      'NetworkManager of Debian, which has what interfaces(5) does not',
      {
        ...enabled('NetworkManager'),
        'etc/NetworkManager/NetworkManager.conf':
          '[main]\nplugins=ifupdown,keyfile\n\n[ifupdown]\nmanaged=false\n',
        'etc/network/interfaces': 'auto lo\niface lo inet loopback\n',
      },
      [`warning root: ${manager}`],
    ],
    [
      'NetworkManager of Debian, which does not have it',
      {
        ...enabled('NetworkManager'),
        'etc/NetworkManager/NetworkManager.conf': '[ifupdown]\nmanaged=false\n',
        'etc/network/interfaces': 'iface eth0 inet manual\n',
      },
      FINE,
    ],
    [
      'NetworkManager that may not have a device',
      {
        ...enabled('NetworkManager'),
        'etc/NetworkManager/conf.d/1.conf': '[device-root]\nmatch-device=interface-name:eth0\nmanaged=0\n',
      },
      FINE,
    ],
    [
      'NetworkManager that may not have the radio',
      {
        ...enabled('NetworkManager'),
        'etc/NetworkManager/conf.d/1.conf': '[device-radio]\nmatch-device=type:wifi\nmanaged=0\n',
      },
      [`warning root: ${manager}`],
    ],
    ["NetworkManager of Ubuntu's servers", { ...enabled('NetworkManager'), ...UBUNTU }, FINE],
    [
      'NetworkManager that netplan wants',
      {
        ...enabled('NetworkManager'),
        ...UBUNTU,
        'etc/netplan/01-manager.yaml': 'network:\n  version: 2\n  renderer: NetworkManager\n',
      },
      [`warning root: ${manager}`],
    ],
    ["OpenWrt's, before the first boot", OPENWRT, [netifd]],
    [
      "OpenWrt's",
      { ...OPENWRT, 'etc/config/network': `${LOOPBACK}config interface 'lan'\n\toption device 'br-lan'\n` },
      [netifd],
    ],
    [
      "OpenWrt's that lets it alone",
      {
        ...OPENWRT,
        'etc/config/network': `${LOOPBACK}config interface 'lan'\n\toption device 'eth0'\n\toption proto 'none'\n`,
      },
      FINE,
    ],
    [
      'NetworkManager that is masked',
      { ...enabled('NetworkManager'), 'etc/systemd/system/NetworkManager.service': { link: '/dev/null' } },
      FINE,
    ],
    [
      'ifupdown',
      {
        ...enabled('networking'),
        'etc/network/interfaces': 'auto lo eth0\niface lo inet loopback\niface eth0 inet dhcp\n',
      },
      ['warning root, /etc/network/interfaces: ifup configures eth0 anew at boot'],
    ],
    [
      'ifupdown that lets it alone',
      { ...enabled('networking'), 'etc/network/interfaces': 'auto lo eth0\niface eth0 inet manual\n' },
      FINE,
    ],
    [
      "Buildroot's, which looks for NFS",
      {
        'etc/init.d/S40network': '',
        'etc/network/interfaces': 'auto eth0\niface eth0 inet dhcp\n  pre-up /etc/network/nfs_check\n',
      },
      FINE,
    ],
    [
      "Buildroot's, which does not",
      { 'etc/init.d/S40network': '', 'etc/network/interfaces': 'auto eth0\niface eth0 inet dhcp\n' },
      ['warning root, /etc/network/interfaces: ifup configures eth0 anew at boot'],
    ],
    ['dhcpcd', enabled('dhcpcd'), ['warning root, /etc/dhcpcd.conf: dhcpcd configures all interfaces anew']],
    ['dhcpcd that lets it alone', { ...enabled('dhcpcd'), 'etc/dhcpcd.conf': 'denyinterfaces eth0\n' }, FINE],
    ['connman', enabled('connman'), ['warning root: connman starts, and configures the interface anew']],
    [
      'connman that lets it alone',
      { ...enabled('connman'), 'etc/connman/main.conf': '[General]\nNetworkInterfaceBlacklist=eth0,vmnet\n' },
      FINE,
    ],
  ])('%s', async (_, files, said) => {
    tree.add(files);
    expect(await tree.said(network)).toEqual(said);
  });
});

describe('login', () => {
  const GETTY: Record<string, Stored> = {
    ...SYSTEMD,
    'usr/lib/systemd/system/serial-getty@.service': '[Service]\nExecStart=-/sbin/agetty %I\n',
    'usr/lib/systemd/system-generators/systemd-getty-generator': '',
    'sbin/agetty': '',
    'etc/shadow': 'root:$y$x:1::::::\ndaemon:*:1::::::\n',
  };
  const CONSOLE = { commandLine: 'console=tty0 console=ttyAMA0,115200 root=/dev/nfs' };
  const SCREEN = { commandLine: 'console=ttyAMA0,115200 console=tty1 root=/dev/nfs' };
  const NO_GENERATOR = { 'usr/lib/systemd/system-generators/systemd-getty-generator': { link: '/nowhere' } };
  const wanted = (unit: string) => ({
    [`etc/systemd/system/getty.target.wants/${unit}`]: {
      link: '/usr/lib/systemd/system/serial-getty@.service',
    },
  });

  it.each<[string, Record<string, Stored>, object, string[]]>([
    ['systemd', GETTY, CONSOLE, ['ok root: There is a login on the console ttyAMA0']],
    ['a console that is not known', GETTY, {}, ['ok root: There is a login on a console']],
    [
      'a mask',
      { ...GETTY, 'etc/systemd/system/serial-getty@ttyAMA0.service': { link: '/dev/null' } },
      CONSOLE,
      ['warning root: serial-getty@ttyAMA0.service is masked'],
    ],
    [
      'no template',
      { ...GETTY, 'usr/lib/systemd/system/serial-getty@.service': { link: '/dev/null' } },
      CONSOLE,
      ['warning root: serial-getty@.service is missing or masked'],
    ],
    [
      'no agetty',
      { ...GETTY, 'sbin/agetty': { link: '/nowhere' } },
      CONSOLE,
      ['warning root: agetty is missing'],
    ],
    [
      "busybox's getty",
      {
        ...GETTY,
        'usr/lib/systemd/system/serial-getty@.service': '[Service]\nExecStart=-/sbin/getty -L %I 115200\n',
        'sbin/agetty': { link: '/nowhere' },
      },
      CONSOLE,
      ['ok root: There is a login on the console ttyAMA0'],
    ],
    ['a screen beside', GETTY, SCREEN, ['ok root: There is a login on the console ttyAMA0']],
    [
      'no generator',
      { ...GETTY, ...NO_GENERATOR },
      CONSOLE,
      ['warning root: Nothing starts a login on the serial console'],
    ],
    [
      'no generator, and the unit itself',
      { ...GETTY, ...NO_GENERATOR, ...wanted('serial-getty@ttyAMA0.service') },
      {},
      ['ok root: There is a login on a console'],
    ],
    [
      'no generator, and a unit for another line',
      { ...GETTY, ...NO_GENERATOR, ...wanted('serial-getty@ttyS0.service') },
      CONSOLE,
      ['warning root: Nothing starts a login on the serial console'],
    ],
    [
      'a mask, and a login on /dev/console',
      {
        ...GETTY,
        ...wanted('console-getty.service'),
        'etc/systemd/system/serial-getty@ttyAMA0.service': { link: '/dev/null' },
      },
      CONSOLE,
      ['ok root: There is a login on the console ttyAMA0'],
    ],
    [
      'no password and none asked for',
      {
        ...GETTY,
        'etc/shadow': 'root:*:1::::::\n',
        'etc/systemd/system/serial-getty@ttyAMA0.service.d/in.conf':
          '[Service]\nExecStart=\nExecStart=-/sbin/agetty --autologin root %I\n',
      },
      CONSOLE,
      ['ok root: There is a login on the console ttyAMA0'],
    ],
    [
      'a shell',
      { 'etc/inittab': '::askfirst:-/bin/ash\n', 'etc/shadow': 'root:*:1::::::\n' },
      CONSOLE,
      ['ok root: There is a login on the console ttyAMA0'],
    ],
    [
      "OpenWrt's shell",
      { 'etc/inittab': '::sysinit:/etc/init.d/rcS S boot\n::askconsole:/usr/libexec/login.sh\n' },
      CONSOLE,
      ['ok root: There is a login on the console ttyAMA0'],
    ],
    [
      "Yocto's",
      { 'etc/inittab': 'AMA0:12345:respawn:/usr/sbin/ttyrun ttyAMA0 /sbin/getty 115200 ttyAMA0 vt102\n' },
      CONSOLE,
      ['ok root: There is a login on the console ttyAMA0'],
    ],
    [
      'a virtual line',
      { 'etc/inittab': 'hv0:2345:respawn:/sbin/getty -L hvc0 9600\n' },
      { commandLine: 'console=hvc0' },
      ['ok root: There is a login on the console hvc0'],
    ],
    [
      'no password',
      { ...GETTY, 'etc/shadow': 'root:*:1::::::\nx:!$y$x:1::::::\n' },
      CONSOLE,
      ['warning root, /etc/shadow: No account has a password'],
    ],
    [
      'an empty password',
      { ...GETTY, 'etc/shadow': 'root::1::::::\n' },
      {},
      ['ok root: There is a login on a console'],
    ],
    [
      'busybox',
      { 'etc/inittab': 'console::respawn:/sbin/getty -L console 0\n' },
      CONSOLE,
      ['ok root: There is a login on the console ttyAMA0'],
    ],
    ['busybox without inittab', {}, CONSOLE, ['ok root: There is a login on the console ttyAMA0']],
    [
      'busybox on the line',
      { 'etc/inittab': 'ttyAMA0::respawn:/sbin/getty -L ttyAMA0 115200 vt100\n' },
      CONSOLE,
      ['ok root: There is a login on the console ttyAMA0'],
    ],
    [
      'sysvinit',
      {
        'etc/inittab':
          '#x\n1:2345:respawn:/sbin/getty 38400 tty1\nS0:12345:respawn:/sbin/getty -L 115200 ttyAMA0 vt102\n',
      },
      CONSOLE,
      ['ok root: There is a login on the console ttyAMA0'],
    ],
    [
      'another line',
      {
        'etc/inittab':
          '1:2345:respawn:/sbin/getty 38400 tty1\nS0:12345:respawn:/sbin/getty -L 115200 ttyS0 vt102\n',
      },
      CONSOLE,
      ['warning root, /etc/inittab: The console is ttyAMA0, but a login is started on tty1, ttyS0 only'],
    ],
    [
      'no line at all',
      { 'etc/inittab': '1:2345:respawn:/sbin/getty 38400 tty1\n' },
      {},
      ['warning root, /etc/inittab: A login is started on tty1 only: not on a serial line'],
    ],
    [
      'securetty',
      { ...GETTY, 'etc/securetty': 'tty1\nttyS0\n' },
      CONSOLE,
      ['warning root, /etc/securetty: It does not list ttyAMA0'],
    ],
    [
      'securetty of PAM',
      { ...GETTY, 'etc/securetty': 'tty1\n', 'etc/pam.d/login': '' },
      CONSOLE,
      ['ok root: There is a login on the console ttyAMA0'],
    ],
    [
      'securetty with the console by that name',
      { 'etc/securetty': 'console\n', 'etc/inittab': 'console::respawn:/sbin/getty -L console 0\n' },
      CONSOLE,
      ['ok root: There is a login on the console ttyAMA0'],
    ],
  ])('%s', async (_, files, known, said) => {
    tree.add(files);
    expect(await tree.said(login, known)).toEqual(said);
  });
});

describe('owners', () => {
  const files = (stat?: string) =>
    Object.fromEntries(
      ['bin/a', 'bin/b', 'etc/c', 'usr/bin/d', 'lib/e'].map((name) => [name, stat ? { stat } : '']),
    );

  it("finds a system that is not root's", async () => {
    tree.add(files());
    expect(await tree.said(owners)).toEqual(['ok root: The files of the system belong to root']);
    tree.add(files('100644 0,0 1000:1000'));
    expect((await tree.said(owners))[0]).toMatch(
      /^error root: \d+ of \d+ files of the system belong to user 1000, not to root$/,
    );
    const everything = [...Object.keys(files()), '.', 'bin', 'etc', 'usr', 'usr/bin', 'lib'];
    for (const name of everything) {
      const mode = fs.statSync(`${tree.directory}/${name}`).isDirectory() ? '40755' : '100755';
      const value = `${mode} 0,0 1000:1000`;
      execFileSync('setfattr', ['-n', 'user.rsync.%stat', '-v', value, `${tree.directory}/${name}`]);
    }
    expect(await tree.said(owners)).toEqual([
      'error root: All files of the system belong to user 1000, not to root',
    ]);
  });

  it('finds set-user-id bits that were lost', async () => {
    tree.add({ 'usr/bin/sudo': '', 'bin/su': { stat: '104755 0,0 0:0' } });
    expect(await tree.said(owners)).toEqual(['warning root: Without the set-user-id bit: /usr/bin/sudo']);
  });
});

describe('directories', () => {
  const all = Object.fromEntries(
    ['dev', 'proc', 'sys', 'run'].map((name) => [name, { directory: true } as const]),
  );

  it('misses those that the kernel needs', async () => {
    tree.add({
      ...all,
      tmp: { directory: true, stat: '41777 0,0 0:0' },
      'dev/console': { stat: '20600 5,1 0:5' },
    });
    expect(await tree.said(directories)).toEqual([
      'ok root: /dev, /proc, /sys and others on which something is mounted are there',
    ]);
    tree.add({ tmp: undefined, proc: undefined, 'dev/console': undefined });
    tree.add({ tmp: { directory: true }, 'dev/console': '' });
    expect(await tree.said(directories)).toEqual([
      'error root: Directories are missing: /proc',
      'warning root, /dev/console: It is no device, but a plain file',
      'warning root, /tmp: Its mode is 0755',
    ]);
    tree.add({ 'nix/store': { directory: true } });
    expect((await tree.said(directories))[0]).toMatch(/^warning root, \/dev\/console/);
    tree.add({ nix: undefined });
    tree.add({ tmp: undefined, run: undefined });
    expect(await tree.said(directories)).toContain('warning root: Directories are missing: /tmp');
    tree.add({ ...SYSTEMD });
    expect(await tree.said(directories)).toContain('warning root: Directories are missing: /run, /tmp');
    tree.add({ tmp: { link: '/var/volatile/tmp' } });
    expect(await tree.said(directories)).toContain('warning root: Directories are missing: /run');
  });
});

describe('identity', () => {
  const ID = '0123456789abcdef0123456789abcdef';
  const FINE = ['ok root: Machine ID and name servers are fine'];
  const RESOLVER: Record<string, Stored> = { 'etc/resolv.conf': 'nameserver 10.0.0.1\n' };

  it.each<[string, Record<string, Stored>, string[]]>([
    ['an ID of its own', { ...RESOLVER, 'etc/machine-id': ID }, FINE],
    ['an empty one', { ...SYSTEMD, ...RESOLVER, 'etc/machine-id': '' }, FINE],
    ['none', { ...SYSTEMD, ...RESOLVER }, ['warning root, /etc/machine-id: It is missing']],
    ['none, without systemd', RESOLVER, FINE],
    [
      "the server's",
      { ...RESOLVER, 'etc/machine-id': `${'f'.repeat(32)}\n` },
      ["warning root, /etc/machine-id: It is the server's own"],
    ],
    [
      'nonsense',
      { ...RESOLVER, 'etc/machine-id': 'x' },
      ['warning root, /etc/machine-id: It is no machine ID'],
    ],
    ['no resolver', {}, ['warning root, /etc/resolv.conf: It is missing']],
    [
      'an empty resolver',
      { 'etc/resolv.conf': '# x\n' },
      ['warning root, /etc/resolv.conf: It names no server'],
    ],
    ['NixOS, which makes all at boot', { 'nix/store': { directory: true } }, FINE],
    ['a network manager, which makes it', { ...enabled('NetworkManager'), 'etc/machine-id': '' }, FINE],
    ['what the kernel writes', { 'etc/resolv.conf': { link: '/proc/net/pnp' } }, FINE],
    [
      'a service that is not there',
      { 'etc/resolv.conf': { link: '../run/systemd/resolve/stub-resolv.conf' } },
      ['warning root, /etc/resolv.conf: It wants systemd-resolved, which does not start'],
    ],
    [
      'a service that is there',
      { ...enabled('systemd-resolved'), 'etc/machine-id': '', 'etc/resolv.conf': 'nameserver 127.0.0.53\n' },
      FINE,
    ],
  ])('%s', async (_, files, said) => {
    tree.add(files);
    expect(await tree.said(identity, { hostMachine: 'f'.repeat(32) })).toEqual(said);
  });
});

it('finds services that want a disk', async () => {
  tree.add({
    'etc/runlevels/boot/growpart': { link: '/etc/init.d/growpart' },
    'etc/rc3.d/S01resize2fs_once': { link: '../init.d/resize2fs_once' },
    ...enabled('dphys-swapfile'),
  });
  expect(await tree.said(diskServices)).toEqual([
    'warning root: resize2fs_once starts at boot',
    'warning root: growpart starts at boot',
    'warning root: dphys-swapfile starts at boot',
  ]);
});

it('finds capabilities', async () => {
  tree.add({ 'usr/bin/ping': { capability: true }, 'usr/bin/ls': '', bin: { link: 'usr/bin' } });
  expect(await tree.said(capabilities)).toEqual([
    'warning root: File capabilities do not count on NFS: /usr/bin/ping',
  ]);
});

it("compares modules with the kernel's version", async () => {
  expect(await tree.said(modules, { bootedVersion: '6.1.0' })).toEqual([]);
  tree.add({ 'lib/modules/6.1.0/modules.dep': '', 'lib/modules/6.2.0/x': '' });
  const kernels = [{ name: 'Image', machine: ARM64, version: '6.3.0' }];
  const missing =
    'warning root, /lib/modules: The kernel is 6.3.0, but there are modules for 6.1.0, 6.2.0 only';
  expect(await tree.said(modules, { kernels })).toEqual([missing]);
  expect(await tree.said(modules, { kernels, bootedVersion: '6.1.0' })).toEqual([
    'ok root: There are modules for the kernel, 6.1.0',
  ]);
  expect(await tree.said(modules, { bootedVersion: '6.2.0' })).toEqual([
    'warning root, /lib/modules/6.2.0: There is no modules.dep',
  ]);
  // OpenWrt's.
  tree.add({ 'sbin/kmodloader': '' });
  expect(await tree.said(modules, { bootedVersion: '6.2.0' })).toEqual([
    'ok root: There are modules for the kernel, 6.2.0',
  ]);
});

it('says why, and what to do, whatever is wrong', async () => {
  tree.add({ 'etc/fstab': '/dev/sda / ext4 defaults 0 1\n', 'etc/inittab': '' });
  for (const check of rootChecks) {
    for (const { severity, why, fix } of await tree.findings(check)) {
      if (severity !== 'ok')
        expect([why, fix]).toEqual([expect.stringMatching(/.{20}/), expect.stringMatching(/.{10}/)]);
    }
  }
});
