import { expect, test } from 'vitest';
import { parseTargetConfig, ubootCommands } from '../../../src/demo/boot/target-config.ts';

const NFS = '--nfsroot=10.0.2.2:/srv/root\n--nfsopts=v3,tcp,port=1,mountport=1\n';
const BOOT = { kernel: 'Image', ramdisk: 'initrd', arguments: 'console=ttyS0' };
const commands = (text: string) => ubootCommands(parseTargetConfig(text + NFS), BOOT);
const NFSROOT = 'nfsroot=10.0.2.2:/srv/root,v3,tcp,port=1,mountport=1';

test("the novaboot client's defaults", () => {
  expect(parseTargetConfig(`--uboot\n${NFS}`).prompt).toBe('=> ');
  expect(commands('--uboot\n')).toEqual([
    `tftpboot \${kernel_addr_r} Image`,
    `tftpboot \${ramdisk_addr_r} initrd`,
    `setenv bootargs console=ttyS0 ${NFSROOT}`,
    `bootm \${kernel_addr_r} \${ramdisk_addr_r} `,
  ]);
});

test('every option for U-Boot', () => {
  const text = [
    '--uboot=U-Boot> ',
    '--uboot-init=setenv serverip 10.0.2.2; setenv ipaddr 10.0.2.15',
    '--uboot-init=usb start',
    '--uboot-addr=kernel=0x1000',
    '--uboot-addr=ramdisk=0x2000',
    '--uboot-addr=fdt=0x3000',
    '--prefix=rpi/',
    `--uboot-cmd=booti $kernel_addr $ramdisk_addr:\${filesize} \${fdtcontroladdr}`,
  ];
  expect(parseTargetConfig(`${text.join('\n')}\n${NFS}`).prompt).toBe('U-Boot> ');
  expect(commands(`${text.join('\n')}\n`)).toEqual([
    'setenv serverip 10.0.2.2; setenv ipaddr 10.0.2.15',
    'usb start',
    'tftpboot 0x1000 rpi/Image',
    'tftpboot 0x2000 rpi/initrd',
    `setenv bootargs console=ttyS0 ${NFSROOT}`,
    `booti 0x1000 0x2000:\${filesize} \${fdtcontroladdr}`,
  ]);
});

test.each([
  ['--grub=x\n', 'get-config: expected an option for U-Boot, got --grub=x'],
  ['nonsense\x1b[2J\n', 'get-config: expected an option for U-Boot, got nonsense?[2J'],
  ['--uboot-addr=0x1000\n', 'get-config: expected an option for U-Boot, got --uboot-addr=0x1000'],
  ['', 'get-config: expected a line for --uboot'],
])('%j is not enough', (text, message) => {
  expect(() => parseTargetConfig(text + NFS)).toThrow(message);
});
