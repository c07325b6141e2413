/**
 * A lab with a virtual board: real sshd, our TFTP server, and the board that boots from them by U-Boot, as an
 * administrator would set it up for an account. Users work with it by ssh alone.
 */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import type { Session } from './ssh-session.ts';
import { type Lab, startLab } from './sshd.ts';

const REPOSITORY = path.resolve(import.meta.dirname, '../..');
const IMAGES = path.join(REPOSITORY, 'node_modules/.cache/novaboot-board');
const START_MS = 30_000;
/** For a board under emulation on a machine with other things to do. */
const STEP_MS = 90_000;

/** What a board boots, as files on the user's side. */
export const KERNEL = path.join(IMAGES, 'Image');
export const INITRAMFS = path.join(IMAGES, 'initramfs.cpio.gz');
export const ROOT = path.join(IMAGES, 'root.tar');

const UBOOT_PROMPT = '=> ';
const SHELL_PROMPT = 'root@board:~# ';

export interface VirtualBoard {
  readonly lab: Lab;
  /** What the TFTP server has said. */
  tftpLog(): string;
  stop(): Promise<void>;
}

/** @throws Error that says what is missing on this machine */
export async function startVirtualBoard(): Promise<VirtualBoard> {
  for (const file of [KERNEL, INITRAMFS, ROOT]) {
    if (!fs.existsSync(file)) throw new Error(`Missing ${file}; make it with: sh scripts/setup.sh board`);
  }
  const lab = await startLab();
  try {
    const state = `${lab.home}/virtual-board`;
    const demo = [process.execPath, path.join(REPOSITORY, 'dist/novaboot-demo.js')];
    const command = (name: string) => `${name}_cmd="${demo.join(' ')} board ${name} ${state}"\n`;
    const commands = ['console', 'reset', 'on', 'off'].map(command).join('');
    const journal = `${lab.home}/tftp-journals`;
    await lab.writeConfig(`${commands}console_log=yes\ntftp_journal=${journal}/lab.journal\n`);
    await lab.writeConfig('allowed_clients=127.0.0.1\nserver_addr=10.0.2.2\n', '.novaboot-nfs');
    const board = `[board lab]\naddress=127.0.0.1\ntree=${lab.home}/tftproot\n`;
    await lab.writeConfig(`public=\njournal=${journal}\n${board}`, 'tftpd.conf');
    await lab.sh('mkdir -p -m 700 virtual-board tftproot tftp-journals');
    const tftpd = lab.spawnAs([
      ...[path.join(REPOSITORY, 'dist/novaboot-tftpd'), '--config', `${lab.home}/tftpd.conf`],
      ...['--listen', '127.0.0.1:0'],
    ]);
    const waiting = { stream: 'stderr', milliseconds: START_MS } as const;
    const [, port = ''] = await tftpd.waitForOutput(/serving on 127\.0\.0\.1:(\d+)/, waiting);
    const served = lab.spawnAs([...demo, 'board', 'serve', state, '--tftp-port', port]);
    await served.waitForOutput(/switched off/, { milliseconds: START_MS });
    return { lab, tftpLog: () => tftpd.stderr, stop: () => lab.stop() };
  } catch (error) {
    await lab.stop();
    throw error;
  }
}

/** A user whose console is connected; the connection is shared, as the novaboot client does it. */
export class BoardUser {
  readonly #lab: Lab;
  readonly #name: string;
  readonly #controlPath: string;
  /** The ssh that has the console. */
  readonly console: Session;

  /** Connects; who comes second waits. */
  constructor(lab: Lab, name: string) {
    this.#lab = lab;
    this.#name = name;
    this.#controlPath = path.join(lab.directory, `control-${name}`);
    const shared = { tty: true, master: true, controlPath: this.#controlPath };
    this.console = lab.spawnSsh(name, ['console'], shared);
  }

  /** Waits for what the console has not shown up to the last call. @returns what came, to the end of the match */
  async see(pattern: RegExp): Promise<string> {
    const { index, 0: match } = await this.console.waitForOutput(pattern, { milliseconds: STEP_MS });
    const end = index + match.length;
    const seen = this.console.stdout.slice(0, end);
    this.console.stdout = this.console.stdout.slice(end);
    return seen;
  }

  /** Runs a command of the login shell over the connection. @returns its standard output */
  async run(args: readonly string[], input?: Buffer): Promise<string> {
    const options = { controlPath: this.#controlPath, ...(input === undefined ? {} : { input }) };
    const { stdout, stderr, exitCode } = await this.#lab.ssh(this.#name, args, options);
    expect({ stderr, exitCode }, args.join(' ')).toEqual({ stderr: expect.any(String), exitCode: 0 });
    return stdout;
  }

  /** Uploads files over the connection. @param options of rsync; the destination too */
  async upload(...options: string[]): Promise<void> {
    const result = await this.#lab.rsync(this.#name, options, { controlPath: this.#controlPath });
    expect(result).toMatchObject({ stderr: '', exitCode: 0 });
  }

  /** Resets the board, and stops U-Boot before it boots by itself. */
  async reset(): Promise<void> {
    await this.run(['reset']);
    await this.stopAutoboot();
  }

  async stopAutoboot(): Promise<void> {
    await this.see(/Hit any key to stop autoboot/);
    this.type('');
    await this.see(promptOf(UBOOT_PROMPT));
  }

  type(line: string): void {
    this.console.write(`${line}\r`);
  }

  /** Types a line at U-Boot's prompt. @returns what U-Boot says to it */
  async uboot(line: string): Promise<string> {
    this.type(line);
    return this.see(promptOf(UBOOT_PROMPT, line));
  }

  /**
   * Gets kernel and initramfs, and starts them with the user's root; U-Boot waits at its prompt.
   *
   * @param nfsroot makes another root of the one that get-config gives
   */
  async startLinux({ nfsroot = (right: string) => right } = {}): Promise<void> {
    const config = await this.run(['get-config']);
    const [, root = '', options] = /^--nfsroot=(\S+)\n--nfsopts=(\S+)$/m.exec(config) ?? [];
    await this.uboot('dhcp');
    for (const [address, file] of [
      ['kernel', KERNEL],
      ['ramdisk', INITRAMFS],
    ] as const) {
      const said = await this.uboot(`tftpboot \${${address}_addr_r} ${path.basename(file)}`);
      expect(said).toContain(`Bytes transferred = ${fs.statSync(file).size} `);
    }
    await this.uboot(`setenv bootargs console=ttyAMA0 nfsroot=${nfsroot(root)},${options}`);
    this.type(`booti \${kernel_addr_r} \${ramdisk_addr_r}:\${filesize} \${fdtcontroladdr}`);
    await this.see(/Booting Linux on physical CPU/);
  }

  /** Waits for the shell of the board's system. @returns what came before its prompt */
  async logIn(): Promise<string> {
    const seen = await this.see(promptOf(SHELL_PROMPT));
    // The echo of what is typed is not to be wrapped.
    await this.sh('stty columns 400');
    return seen;
  }

  /** Runs a command on the board. @returns its output, without the echo */
  async sh(command: string): Promise<string> {
    this.type(command);
    const seen = await this.see(promptOf(SHELL_PROMPT, command));
    return seen.slice(seen.indexOf('\n') + 1, seen.lastIndexOf('\n') + 1).replaceAll('\r', '');
  }
}

/**
 * A prompt that waits: at the start of a line, with nothing behind it but what busybox asks of terminals.
 *
 * @param echo what comes before it: the line that it answers
 */
function promptOf(prompt: string, echo = ''): RegExp {
  const [before, end] = [echo, prompt].map((text) => text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&'));
  return new RegExp(`${before}[^]*[\\r\\n]${end}(?:\\x1b\\[6n)?$`);
}
