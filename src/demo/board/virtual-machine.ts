/** The machine of a virtual board: Debian's U-Boot in QEMU, set up as a lab would, with our servers in its network. */
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Writable } from 'node:stream';
import { takenPorts } from '../../shell/nfs-port.ts';
import { Emulator, type EmulatorOptions, QEMU } from './emulator.ts';
import { SERVER, type Services } from './frame-filter.ts';
import type { Machine, MachineKind } from './machine.ts';

const UBOOT = '/usr/lib/u-boot/qemu_arm64/u-boot.bin';

/** U-Boot asks for this many blocks at once: with 16, TFTP is three times as fast; it has room for 32. RFC 7440 */
const WINDOW = '16';
/** Memory begins at 0x40000000, QEMU's device tree lies there. A kernel may have 60 MiB. */
const ADDRESSES = { kernel: '0x40400000', ramdisk: '0x44000000' } as const;

/** What a lab would have saved in its board. Without it, U-Boot tries disks and network for a minute. */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  baudrate: '115200',
  bootdelay: '2',
  bootcmd: 'echo There is nothing to boot: bootcmd is not set up.',
  autoload: 'no',
  serverip: SERVER,
  // QEMU's default, which U-Boot would misread.
  ethaddr: '52:54:00:12:34:56',
  tftpwindowsize: WINDOW,
  loadaddr: ADDRESSES.kernel,
  kernel_addr_r: ADDRESSES.kernel,
  ramdisk_addr_r: ADDRESSES.ramdisk,
  fdt_addr: '0x40000000',
  scriptaddr: '0x40200000',
  pxefile_addr_r: '0x40300000',
};

const TARGET_CONFIG = [
  '--uboot',
  '--uboot-init=dhcp',
  `--uboot-addr=kernel=${ADDRESSES.kernel}`,
  `--uboot-addr=ramdisk=${ADDRESSES.ramdisk}`,
  `--uboot-cmd=booti $kernel_addr $ramdisk_addr:\${filesize} \${fdtcontroladdr}`,
];

export interface VirtualMachineOptions {
  /** Where our TFTP server is: UDP, on 127.0.0.1. */
  readonly tftpPort: number;
  /** The board account's home directory: the NFS servers of its users are reached, on 127.0.0.1. */
  readonly home: string;
  /** U-Boot's image; Debian's by default. */
  readonly uboot?: string;
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Debian packages that a virtual board needs and that are not installed. */
export function missingPackages(): string[] {
  const missing: string[] = [];
  if (!isInstalled(QEMU)) missing.push('qemu-system-arm');
  if (!existsSync(UBOOT)) missing.push('u-boot-qemu');
  return missing;
}

/** Asks for the ports again after this time. */
const PORTS_MS = 1000;

/** The ports that get-config has promised to users of this account, whether their servers run or not. */
function nfsPorts(home: string): Services['isNfsPort'] {
  let ports: ReadonlySet<number> = new Set();
  let readMs = Number.NEGATIVE_INFINITY;
  return (port) => {
    if (performance.now() - readMs >= PORTS_MS) {
      readMs = performance.now();
      try {
        ports = takenPorts(home);
      } catch {
        // ENOENT: nobody has had a server.
        ports = new Set();
      }
    }
    return ports.has(port);
  };
}

class VirtualMachine implements Machine {
  readonly #options: EmulatorOptions;
  readonly #print: (bytes: Buffer) => void;
  #emulator: Emulator | undefined;
  #powerCuts = 0;
  readonly input = new Writable({
    write: (bytes: Buffer, _encoding, done) => this.#type(bytes, done),
  });

  constructor(options: EmulatorOptions, print: (bytes: Buffer) => void) {
    this.#options = options;
    this.#print = print;
  }

  async on(): Promise<void> {
    if (this.#emulator) return;
    const emulator = new Emulator(this.#options, this.#print);
    await emulator.start();
    this.#emulator = emulator;
    void emulator.ended.then((reason) => {
      if (this.#emulator !== emulator) return;
      this.#emulator = undefined;
      if (reason !== undefined) console.error(`novaboot-demo: the virtual board has ended: ${reason}`);
    });
  }

  async off(): Promise<void> {
    this.#powerCuts += 1;
    const emulator = this.#emulator;
    this.#emulator = undefined;
    await emulator?.kill();
  }

  async reset(): Promise<void> {
    const powerCuts = this.#powerCuts;
    try {
      await this.#emulator?.reset();
    } catch {
      if (this.#powerCuts !== powerCuts) return;
      // It hangs, or has ended in this moment.
      await this.off();
    }
    await this.on();
  }

  #type(bytes: Buffer, done: () => void): void {
    const serial = this.#emulator?.serial;
    if (serial?.writable) serial.write(bytes, () => done());
    else done();
  }
}

export function virtualMachine({ tftpPort, home, uboot = UBOOT }: VirtualMachineOptions): MachineKind {
  const services = { tftpPort, isNfsPort: nfsPorts(home) };
  return {
    make: (print) => new VirtualMachine({ uboot, environment: ENVIRONMENT, services }, print),
    targetConfig: TARGET_CONFIG,
  };
}
