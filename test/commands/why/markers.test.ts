/** Lines of consoles, as boards of many kinds print them. */
import { expect, test } from 'vitest';
import { consoleText } from '../../../src/commands/why/console-events.ts';
import { isOutOfPlace, markerOf } from '../../../src/commands/why/markers.ts';

const marked = (line: string, isLast = false) => {
  const found = markerOf(consoleText(Buffer.from(line, 'latin1')), isLast);
  return found && [found.marker, found.detail];
};

test.each([
  // U-Boot
  ['U-Boot SPL 2021.10 (Nov 03 2021 - 10:00:00 +0000)', 'loader', 'U-Boot SPL 2021.10'],
  ['U-Boot 2017.03-armada-17.10.2 (May 01 2019 - 12:34:56)', 'loader', 'U-Boot 2017.03-armada-17.10.2'],
  ['NOTICE:  BL31: v2.8(release):v2.8-dirty', 'loader', 'BL31: v2.8(release):v2.8-dirty'],
  ['barebox 2023.01.0 #1 Tue Jan 10 12:00:00 UTC 2023', 'loader', 'barebox 2023.01.0'],
  ['=> dhcp; tftpboot 0x80000000 zImage', 'command', 'dhcp; tftpboot 0x80000000 zImage'],
  ['zynq-uboot> run bootcmd', 'command', 'run bootcmd'],
  ['DHCP client bound to address 192.168.1.9 (12 ms)', 'dhcp', '192.168.1.9'],
  ['BOOTP broadcast 17', 'no-dhcp', 'BOOTP broadcast 17'],
  ['Retry time exceeded; starting again', 'no-dhcp', 'Retry time exceeded'],
  ['No ethernet found.', 'no-network', 'No ethernet found'],
  ['ethernet@ff0e0000 Waiting for PHY auto negotiation to complete......... TIMEOUT !', 'no-link'],
  ['phy_startup() failed: -110 Could not initialize PHY ethernet@1', 'no-link'],
  ["Filename 'dtbs/x.dtb'.", 'asks', 'dtbs/x.dtb'],
  ['Bytes transferred = 1762426 (1ae47a hex)', 'loaded', '1762426'],
  ['28311552 bytes read in 1200 ms (22.5 MiB/s)', 'loaded', '28311552'],
  ['Loading: *\b#################################################################', 'loading'],
  ['\t #################################################################', 'loading'],
  ['\t ########T ###########  28.1 MiB', 'loading'],
  ['Loading: *\bT ####T ', 'loading'],
  ['\t ####T T T ', 'no-answer'],
  ['Loading: *\bT T T T T ', 'no-answer', 'T T'],
  ['Loading: *\b####T T ', 'no-answer', 'T T'],
  ['Retry count exceeded; starting again', 'no-answer', 'Retry count exceeded'],
  ["TFTP error: 'Access violation' (2)", 'tftp-error', "'Access violation' (2)"],
  ['Wrong Image Format for bootm command', 'bad-image', 'Wrong Image Format'],
  ["ERROR: can't get kernel image!", 'bad-image', "can't get kernel image"],
  ['Bad Linux ARM zImage magic!', 'bad-image', 'Bad Linux ARM zImage magic'],
  ['   Bad Data CRC', 'bad-image', 'Bad Data CRC'],
  ['"Synchronous Abort" handler, esr 0x96000004', 'loader-crash', '"Synchronous Abort" handler'],
  ["Unknown command 'bootx' - try 'help'", 'loader-error', "Unknown command 'bootx'"],
  ['Starting kernel ...', 'start'],
  ['Uncompressing Linux... done, booting the kernel.', 'start'],
  // GRUB, iPXE, Raspberry Pi
  ['GNU GRUB  version 2.06-13+deb12u1', 'loader'],
  ["error: file `/Image' not found.", 'loader-error', "error: file `/Image' not found."],
  ['iPXE 1.21.1+git-20220113 -- Open Source Network Boot Firmware', 'loader'],
  ['RPi: BOOTLOADER release VERSION:8ba17717 DATE: 2023/01/11 TIME: 17:40:52', 'loader'],
  // Linux
  [
    '[    0.000000] Linux version 5.15.84-v8+ (dom@buildbot) (aarch64-linux-gnu-gcc-8)',
    'kernel',
    '5.15.84-v8+',
  ],
  ['[    0.000000][    T0] Booting Linux on physical CPU 0x0', 'kernel'],
  ['<5>[    0.000000] Kernel command line: console=ttyS0', 'arguments', 'console=ttyS0'],
  ['[   13.000000] IP-Config: Retrying forever (NFS root)...', 'no-address'],
  ['[   13.000000] Sending DHCP requests ...... timed out!', 'no-address'],
  ['[   19.000000] IP-Config: Complete:', 'address'],
  ['IP-Config: eth0 complete (dhcp from 10.0.0.1):', 'address'],
  ['[    3.100000] VFS: Mounted root (nfs filesystem) on device 0:15.', 'root', 'nfs filesystem'],
  ['[    3.100000] VFS: Unable to mount root fs via NFS, trying floppy.', 'no-root'],
  ['[    3.100000] VFS: Cannot open root device "mmcblk0p2" or unknown-block(0,0): error -6', 'no-root'],
  ['[   99.000000] Root-NFS: Server returned error -13 while mounting /srv/root', 'no-root'],
  ['mount.nfs: access denied by server while mounting 10.0.0.1:/srv/root', 'no-root'],
  ['mount: mounting 10.0.0.1:/x on /root failed: Connection refused', 'no-root'],
  ['ALERT!  /dev/mmcblk0p2 does not exist.  Dropping to a shell!', 'no-root'],
  ['nfs: server 10.0.0.1 not responding, still trying', 'nfs-silent', 'nfs: server 10.0.0.1 not responding'],
  ['[   50.000000] nfs: server 10.0.0.1 OK', 'nfs-back'],
  ['[    3.500000] Run /sbin/init as init process', 'init', '/sbin/init'],
  ["Target filesystem doesn't have requested /sbin/init.", 'no-init'],
  ['[    3.600000] Requested init /sbin/nope failed (error -2).', 'no-init'],
  [
    "[    3.600000] Starting init: /sbin/init exists but couldn't execute it (error -13)",
    'bad-init',
    '(error -13)',
  ],
  ["run-init: can't execute '/sbin/init': Permission denied", 'bad-init'],
  ['[    3.700000] Kernel panic - not syncing: No working init found.  Try passing init= option', 'panic'],
  ['[    9.000000] Unable to handle kernel NULL pointer dereference at virtual address 00000000', 'oops'],
  ['[   60.000000] watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [swapper:1]', 'stall'],
  ['[    5.743871] reboot: Power down', 'halt', 'Power down'],
  ['[    5.743871] reboot: Restarting system', 'reboot', 'Restarting system'],
  // Systems
  ['[    4.000000] systemd[1]: systemd 252.30-1~deb12u2 running in system mode (+PAM +AUDIT)', 'init'],
  ['init started: BusyBox v1.35.0 (2022-11-01 00:00:00 UTC)', 'init'],
  ['INIT: version 3.06 booting', 'init'],
  [
    'Welcome to \x1b[1mDebian GNU/Linux 12 (bookworm)\x1b[0m!',
    'init',
    'Welcome to Debian GNU/Linux 12 (bookworm)!',
  ],
  [
    '[\x1b[0;1;31mFAILED\x1b[0m] Failed to mount \x1b[0;1;39mdata.mount\x1b[0m - /data.',
    'no-service',
    'Failed to mount data.mount - /data.',
  ],
  ['You are in emergency mode. After logging in, type "journalctl -xb"', 'emergency'],
  ['raspberrypi login: ', 'login'],
  ['Please press Enter to activate this console. ', 'login'],
  ['root@board:~# ls', 'shell'],
  ['/ # ls', 'shell'],
])('%s', (line, marker, detail?: string) => {
  expect(marked(line)?.[0]).toBe(marker);
  if (detail !== undefined) expect(marked(line)?.[1]).toBe(detail);
});

test.each([
  'Loading: *\b',
  'Net:   No ethernet found.',
  'BOOTP broadcast 1',
  'BOOTP broadcast 2',
  '[    2.000000] e1000e 0000:00:1f.6 eth0: NIC Link is Down',
  '[    0.100000] VFS: Disk quotas dquot_6.6.0',
  '[\x1b[0;32m  OK  \x1b[0m] Reached target \x1b[0;1;39mmulti-user.target\x1b[0m.',
  '[    2.774424] Not activating Mandatory Access Control as /sbin/tomoyo-init does not exist.',
  'Hit any key to stop autoboot:  2 \b\b\b 0 ',
  '## Flattened Device Tree blob at 5edb6db0',
  '---[ end Kernel panic - not syncing: VFS ]---',
  '',
])('says nothing of the boot: %s', (line) => {
  expect(marked(line)).toBeUndefined();
});

test.each([
  ['=> ', 'prompt'],
  ['(uboot) ', 'prompt'],
  ['grub> ', 'prompt'],
  ['barebox@board:/ ', 'prompt'],
  ['U-Boot> ', 'prompt'],
  ['# ', 'shell'],
  ['root@board:~# \x1b[6n', 'shell'],
])('the output ends with the prompt %j', (line, marker) => {
  expect(marked(line, true)?.[0]).toBe(marker);
});

test('a prompt is none where more comes after it', () => {
  expect(marked('=> ')).toBeUndefined();
  expect(marked('# ')).toBeUndefined();
});

test('of a line that is written over and over, the last state counts', () => {
  expect(consoleText(Buffer.from('[*   ] A start job\r[**  ] A start job\r[***] Waiting\r'))).toBe(
    '[***] Waiting',
  );
});

test('the words of a boot loader on a system that is up are not its boot', () => {
  expect(isOutOfPlace('loader-error', new Set(['loader', 'start']))).toBe(false);
  expect(isOutOfPlace('loader-error', new Set(['loader', 'start', 'kernel']))).toBe(true);
  expect(isOutOfPlace('no-root', new Set(['kernel']))).toBe(false);
  expect(isOutOfPlace('no-root', new Set(['kernel', 'login']))).toBe(true);
  expect(isOutOfPlace('panic', new Set(['kernel', 'shell']))).toBe(false);
  expect(isOutOfPlace('loader', new Set(['kernel', 'shell']))).toBe(false);
});
