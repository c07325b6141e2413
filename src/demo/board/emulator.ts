/**
 * A QEMU process: an arm64 machine, emulated, so that it needs no privilege and runs on any processor. Serial line,
 * monitor and network are sockets between it and us. It dies with us.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { CommandError, ExitCode } from '../../shell/errors.ts';
import { printable } from '../../shell/text.ts';
import type { Services } from './frame-filter.ts';
import { Monitor } from './monitor.ts';
import { makeReminder } from './reminder.ts';
import { openFlash } from './uboot-environment.ts';
import { joinNetwork, userNetworkArguments } from './virtual-network.ts';

export const QEMU = 'qemu-system-aarch64';

export interface EmulatorOptions {
  /** U-Boot's image. */
  readonly uboot: string;
  /** U-Boot's variables. */
  readonly environment: Readonly<Record<string, string>>;
  /** What the machine finds in its network. */
  readonly services: Services;
}

/** Its descriptors, in the order of spawn's `stdio`. */
const FD = { serial: 3, monitor: 4, board: 5, outside: 6, flash: 7 } as const;
/** QEMU's name for the board's side of its network. */
const BOARD = 'board';
const MAX_ERRORS = 4096;

function qemuArguments(uboot: string): string[] {
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny'],
    ...['-machine', 'virt', '-accel', 'tcg', '-cpu', 'cortex-a57', '-m', '512'],
    // Read-only: U-Boot's driver takes this chip for another one, and saveenv would leave half an environment.
    ...['-bios', uboot, '-drive', `if=pflash,unit=1,format=raw,readonly=on,file=/proc/self/fd/${FD.flash}`],
    ...['-chardev', `socket,id=serial,fd=${FD.serial}`, '-serial', 'chardev:serial'],
    ...['-chardev', `socket,id=monitor,fd=${FD.monitor}`, '-mon', 'chardev=monitor,mode=control'],
    ...['-netdev', `socket,id=${BOARD},fd=${FD.board}`, '-device', `virtio-net-pci,netdev=${BOARD},romfile=`],
    ...userNetworkArguments(FD.outside),
  ];
}

export class Emulator {
  readonly #child: ChildProcess;
  readonly #monitor: Monitor;
  readonly serial: Duplex;
  /** Resolves to what it said last, or how it ended; undefined if the guest has switched itself off. */
  readonly ended: Promise<string | undefined>;

  /** @param print gets what comes from the serial line */
  constructor({ uboot, environment, services }: EmulatorOptions, print: (bytes: Buffer) => void) {
    const flash = openFlash(environment);
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', QEMU, ...qemuArguments(uboot)], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe', flash],
      // Ctrl-C is for us.
      detached: true,
    });
    closeSync(flash);
    this.#child = child;
    const socket = (fd: number) => child.stdio[fd] as Duplex;
    this.#monitor = new Monitor(socket(FD.monitor));
    this.serial = socket(FD.serial);
    this.serial.on('data', print).on('error', () => {});
    // It is up already; that QEMU looks for free buffers is what counts. One that has ended needs nothing.
    const remind = () => this.#monitor.run('set_link', { name: BOARD, up: true }).catch(() => {});
    joinNetwork(socket(FD.board), socket(FD.outside), services, makeReminder(remind));
    this.ended = this.#lastWords();
  }

  async #lastWords(): Promise<string | undefined> {
    let errors = '';
    this.#child.stderr?.on('data', (text) => {
      errors = (errors + text).slice(-MAX_ERRORS);
    });
    try {
      const [status, signal] = await once(this.#child, 'close');
      if (status === 0) return undefined;
      const said = errors.split('\n').filter((line) => line !== '' && !line.includes(': warning: '));
      return printable(said.at(-1) || `QEMU ended with ${signal ?? `status ${status}`}`);
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** Resolves when it takes commands. @throws CommandError if it ends instead */
  async start(): Promise<void> {
    try {
      await this.#monitor.ready;
    } catch (error) {
      this.#child.kill('SIGKILL');
      const reason = (await this.ended) ?? (error as Error).message;
      throw new CommandError(`the virtual board did not start: ${reason}`, ExitCode.failed, { cause: error });
    }
  }

  /** @throws Error if it has ended, or hangs */
  reset(): Promise<void> {
    return this.#monitor.run('system_reset');
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }
}
