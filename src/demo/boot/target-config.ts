/** What get-config prints, as the novaboot client understands it: one option of its command line in each line. */
import { CommandError, ExitCode } from '../../shell/errors.ts';
import { printable } from '../../shell/text.ts';

export interface TargetConfig {
  /** U-Boot's. */
  readonly prompt: string;
  /** Typed one by one, before anything is loaded. */
  readonly init: readonly string[];
  /** Where U-Boot loads the kernel and the ramdisk to. */
  readonly addresses: { readonly kernel: string; readonly ramdisk: string };
  /** Starts the kernel; $kernel_addr, $ramdisk_addr and $fdt_addr stand for the addresses. */
  readonly command: string;
  /** In front of the names of files that the board asks for. */
  readonly prefix: string;
  /** What a kernel's `nfsroot=` wants: SERVER:PATH,OPTIONS. */
  readonly nfsroot: string;
}

/** @throws CommandError where a board with U-Boot and NFS cannot be booted with these */
export function parseTargetConfig(text: string): TargetConfig {
  const init: string[] = [];
  const addresses = { kernel: `\${kernel_addr_r}`, ramdisk: `\${ramdisk_addr_r}` };
  const values: Record<string, string> = {
    '--prefix': '',
    '--uboot-cmd': 'bootm $kernel_addr $ramdisk_addr $fdt_addr',
  };
  for (const line of text.split('\n').filter(Boolean)) {
    const [, name = '', value = ''] = /^(--[a-z-]+)(?:=(.*))?$/.exec(line) ?? [];
    const [, file, address = ''] = /^(kernel|ramdisk|fdt)=(.+)$/.exec(value) ?? [];
    if (name === '--uboot-init') init.push(value);
    else if (name === '--uboot-addr' && file !== undefined) Object.assign(addresses, { [file]: address });
    else if (/^--(uboot|uboot-cmd|prefix|nfsroot|nfsopts)$/.test(name)) values[name] = value;
    else throw new CommandError(`get-config: expected an option for U-Boot, got ${printable(line)}`);
  }
  const { '--uboot': prompt, '--nfsroot': root, '--nfsopts': options } = values;
  if (prompt === undefined || root === undefined || options === undefined) {
    const missing = ['--uboot', '--nfsroot', '--nfsopts'].filter((name) => values[name] === undefined);
    throw new CommandError(`get-config: expected a line for ${missing.join(', ')}`, ExitCode.configuration);
  }
  return {
    prompt: prompt || '=> ',
    init,
    addresses,
    command: values['--uboot-cmd'] as string,
    prefix: values['--prefix'] as string,
    nfsroot: `${root},${options}`,
  };
}

/** What is to be started, by the names of its files in the board's TFTP directory. */
export interface Boot {
  readonly kernel: string;
  readonly ramdisk: string;
  /** What the kernel is told, besides its root. */
  readonly arguments: string;
}

/** What to type at U-Boot's prompt, line by line, as the novaboot client does; the last one starts the kernel. */
export function ubootCommands(config: TargetConfig, boot: Boot): string[] {
  const { addresses, prefix } = config;
  return [
    ...config.init,
    `tftpboot ${addresses.kernel} ${prefix}${boot.kernel}`,
    `tftpboot ${addresses.ramdisk} ${prefix}${boot.ramdisk}`,
    `setenv bootargs ${boot.arguments} nfsroot=${config.nfsroot}`,
    config.command
      .replaceAll('$kernel_addr', addresses.kernel)
      .replaceAll('$ramdisk_addr', addresses.ramdisk)
      .replaceAll('$fdt_addr', ''),
  ];
}
