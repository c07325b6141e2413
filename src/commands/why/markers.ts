/** Lines of consoles that tell how far a boot is: of boot loaders, Linux and what starts systems. */

/** What a line says of a boot: in the boot loader, */
const LOADER = [
  'loader',
  'command',
  'dhcp',
  'no-dhcp',
  'no-link',
  'no-network',
  'asks',
  'loading',
  'loaded',
  'no-answer',
  'tftp-error',
  'bad-image',
  'loader-error',
  'loader-crash',
  'prompt',
  'start',
] as const;

/** before the system is up, */
const KERNEL = [
  'kernel',
  'arguments',
  'address',
  'no-address',
  'root',
  'no-root',
  'no-nfsroot',
  'init',
  'no-init',
  'bad-init',
  'no-service',
  'emergency',
] as const;

/** at any time; other and garbage are the last line of all, if it is none of the others. */
const ANY = [
  'nfs-silent',
  'nfs-back',
  'oops',
  'panic',
  'stall',
  'reboot',
  'halt',
  'login',
  'shell',
  'other',
  'garbage',
] as const;

export type Marker = (typeof LOADER)[number] | (typeof KERNEL)[number] | (typeof ANY)[number];

/**
 * Whether a line may look as if it were of the boot, but is not, as the boot had come further before: a system that is
 * up shows all kinds of texts. A boot loader's banner is a new boot.
 *
 * @param before markers of the same boot
 */
export function isOutOfPlace(marker: Marker, before: ReadonlySet<Marker>): boolean {
  if (marker === 'loader' || ANY.some((name) => name === marker)) return false;
  if (before.has('login') || before.has('shell')) return true;
  return before.has('kernel') && LOADER.some((name) => name === marker);
}

/**
 * The first that matches counts; its first group, else the line, is what matters. Lines are hostile: every repetition
 * has a bound, and no two of them compete for the same characters.
 */
const MARKERS: readonly (readonly [Marker, RegExp])[] = [
  // U-Boot: include/version.h, cmd/net.c, net/{bootp,tftp,arp}.c, boot/{image,bootm}.c
  ['loader', /^((?:U-Boot|barebox) (?:SPL |TPL )?\d{4}\.\d\d\S{0,60})/],
  ['loader', /^(?:NOTICE: {1,4})?(BL\d{1,2}: v\d\S{0,60})/],
  [
    'loader',
    /^(?:RPi: )?(BOOTLOADER release VERSION:\S{1,40}|Raspberry Pi Bootcode|GNU GRUB {1,4}version \S{1,40})/,
  ],
  ['loader', /^(iPXE \d\S{0,40}|coreboot-\S{1,60}|UEFI firmware \(version \S{1,40}|novaboot demo board)/],
  ['command', /^(?:=>|\(uboot\)|U-Boot>|[\w.-]{1,24} ?=?>) (\S.{0,200})/],
  ['dhcp', /^DHCP client bound to address (\S{1,40})/],
  ['no-dhcp', /^(Retry time exceeded|BOOTP broadcast (?:[6-9]|\d\d)$)/],
  [
    'no-link',
    /(Waiting for PHY auto negotiation.{0,60}TIMEOUT|: No link|[Ll]ink is down|Could not initialize PHY)/,
  ],
  // Behind "Net:" it is but an inventory: the board may need no network.
  ['no-network', /^(No ethernet found)/],
  ['asks', /^Filename '(.{1,200})'\.$/],
  ['loaded', /^Bytes transferred = (\d{1,12}) /],
  ['loaded', /^(\d{1,12}) bytes read in \d/],
  [
    'no-answer',
    /^(ARP Retry count exceeded|Retry count exceeded|TFTP server died|ping failed; host \S{1,40} is not alive)/,
  ],
  ['no-answer', /^(?:Loading:|\t)[*#T\s]{0,200}(T T)\s{0,9}$/],
  ['loading', /^(?:Loading:|\t)[*T\s]{0,200}(#)/],
  ['tftp-error', /^TFTP error: ('.{1,100}' \(\d{1,5}\)|trying to overwrite reserved memory)/],
  [
    'bad-image',
    /^(?:ERROR: )?(Bad Linux ARM.{1,20}[Mm]agic|kernel_comp_addr_r or kernel_comp_size is not provided|Wrong .{0,20}Image [Ff]ormat|Unknown image format|can't get kernel image|Bad (?:Magic Number|Header Checksum|Data CRC)|Unsupported Architecture|Ramdisk image is corrupt or invalid|Did not find a cmdline Flattened Device Tree|Could not find a valid device tree)/,
  ],
  ['bad-image', /^\s{0,8}(Bad (?:Magic Number|Header Checksum|Data CRC)|Unsupported Architecture.{0,60})/],
  [
    'loader-crash',
    /("(?:Synchronous|Error)[^"]{0,20}" handler|^(?:data|prefetch) abort$|^undefined instruction$|### ERROR ### Please RESET the board ###)/,
  ],
  [
    'loader-error',
    /^(Unknown command '[^']{1,60}'|error: .{1,120}|There is nothing to boot.{0,60}|## Error: .{1,120}|No bootable device.{0,60})/,
  ],
  ['start', /^(Starting kernel|Uncompressing Linux|## Starting application|Booting (?:Linux )?kernel)/],
  // Linux: init/{main,do_mounts}.c, net/ipv4/ipconfig.c, fs/nfs/nfsroot.c, net/sunrpc/clnt.c, kernel/{panic,reboot}.c
  ['kernel', /^Linux version (\S{1,80})/],
  ['kernel', /^(Booting Linux on physical CPU)/],
  ['arguments', /^Kernel command line: (.{0,300})/],
  [
    'no-address',
    /^(IP-Config: (?:No network devices available|Retrying forever|Auto-configuration of network failed|No carrier|Unable to).{0,60}|Sending (?:BOOTP|DHCP).{0,60}timed out!)/,
  ],
  ['no-address', /^initramfs: (no address by DHCP|no network interface)/],
  ['address', /^IP-Config: (Complete|Got DHCP answer|\S{1,16} complete)/],
  ['root', /^VFS: Mounted root \((\S{1,20} filesystem)/],
  ['no-nfsroot', /^initramfs: (the kernel needs nfsroot=.{0,60})/],
  [
    'no-root',
    /^(VFS: (?:Unable to mount root fs via NFS|Cannot open root device).{0,120}|Root-NFS: (?:Server returned error|Unable to|No NFS server|NFS server).{0,160})/,
  ],
  [
    'no-root',
    /^mount(?:\.nfs4?)?: ((?:mounting .{1,250} failed|mount\(2\)|mount to NFS server|access denied|Connection|requested NFS).{0,100})/,
  ],
  ['no-root', /^(?:nfsmount: .{1,200}|initramfs: (cannot mount .{1,250}))/],
  [
    'no-root',
    /^(ALERT! .{1,160} does not exist|NFS over TCP not available from .{1,60}|\(initramfs\)(?: |$)|dracut:\/#|.{0,40}Failed to mount \/sysroot)/,
  ],
  ['nfs-silent', /^(nfs: server .{1,80} (?:not responding|timed out))/],
  ['nfs-back', /^(nfs: server .{1,80} OK)/],
  [
    'no-init',
    /^(initramfs: there is no \/sbin\/init.{0,250}|No working init found|Target filesystem doesn't have requested .{1,60}|Requested init \S{1,60} failed \(error -2\)|(?:switch_root|run-init): .{1,120}: No such file or directory)/,
  ],
  [
    'bad-init',
    /^(?:Starting init: \S{1,60} exists but couldn't execute it |(?:Requested init|Failed to execute) \S{1,60} (?:failed )?)(\(error -\d{1,3}\))/,
  ],
  [
    'bad-init',
    /^(?:switch_root|run-init|chroot): (.{0,100}(?:can't execute|Exec format|Permission denied).{0,100})/,
  ],
  ['panic', /^Kernel panic - not syncing: (.{0,200})/],
  [
    'oops',
    /^(Unable to handle kernel .{0,100}|Internal error: .{0,100}|BUG: .{0,100}|kernel BUG at .{0,100}|Oops: .{0,60})/,
  ],
  [
    'stall',
    /^(watchdog: BUG: .{0,100}|rcu: INFO: .{0,60}detected.{0,40}|INFO: task .{0,80} blocked for more than .{0,20})/,
  ],
  ['reboot', /^(?:reboot: |sd \S{1,20}: )?(Restarting system|Rebooting in \d{1,6} seconds|resetting \.\.\.)/],
  ['halt', /^reboot: (Power(?:ing)? [Dd]own|System halted|Power off not available)/],
  // systemd, sysvinit, busybox, OpenRC, procd
  ['init', /^Run (\S{1,100}) as init process/],
  ['init', /^(?:systemd\[1\]: )(systemd \S{1,40} running in system mode)/],
  [
    'init',
    /^(init started: BusyBox \S{1,30}|INIT: version \S{1,20} booting|Welcome to .{1,60}|OpenRC \S{1,30} is starting|procd: - early -)/,
  ],
  ['no-service', /^\[(?:FAILED|DEPEND)\] (.{1,120})/],
  [
    'emergency',
    /^(?:.{0,40}: )?(You are in (?:emergency|rescue) mode|Give root password for maintenance|Press Enter for maintenance)/,
  ],
  [
    'login',
    /^([\w.-]{1,64} login:(?: |$)|login\[\d{1,8}\]: .{1,60} login on .{1,40}|Please press Enter to activate this console)/,
  ],
  [
    'shell',
    /^([\w.-]{1,32}@[\w.-]{1,64}:\S{0,100}[#$]|(?:[~/][\w./-]{0,60} |sh-[\d.]{1,6}|bash-[\d.]{1,6})[#$])(?: |$)/,
  ],
];

/** A prompt that a boot loader, or a shell, waits behind: the end of the output. */
const PROMPTS =
  /^(?:=>|\(uboot\)|grub>|U-Boot>|barebox.{0,60}[:>]|barebox@.{1,60}:\/.{0,60}|[\w.-]{1,24} ?=?>)$/;
const PLAIN_SHELL = /^[#$]$/;

export interface Marked {
  readonly marker: Marker;
  readonly detail: string;
}

/** @param line of consoleText() @param isLast nothing comes after it, not even the line's end */
export function markerOf(line: string, isLast: boolean): Marked | undefined {
  for (const [marker, pattern] of MARKERS) {
    const match = pattern.exec(line);
    if (match) return { marker, detail: (match[1] ?? match[0]).trim() };
  }
  if (!isLast) return undefined;
  if (PROMPTS.test(line)) return { marker: 'prompt', detail: line.trim() };
  return PLAIN_SHELL.test(line) ? { marker: 'shell', detail: line.trim() } : undefined;
}
