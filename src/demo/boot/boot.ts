/** `--boot`: what a user would do to get a shell on the board, by ssh alone and as the novaboot client does it. */
import { CommandError } from '../../shell/errors.ts';
import { printable } from '../../shell/text.ts';
import { DEMO_USERS, type State } from '../state.ts';
import { promptPattern, SerialLine } from './serial-line.ts';
import { parseTargetConfig, type TargetConfig, ubootCommands } from './target-config.ts';
import { Uboot } from './uboot.ts';
import {
  type BootFiles,
  bootUpload,
  getConfig,
  resetCommand,
  rootUpload,
  sharedConsole,
  uploadedName,
} from './user-commands.ts';
import type { Child, Say, UserShell } from './user-shell.ts';

/** A kernel with its root file system. */
export interface BootKit extends BootFiles {
  /** What the kernel is told, besides its root. */
  readonly arguments: string;
  /** That of the shell on the board. */
  readonly prompt: string;
}

export interface BootedBoard {
  readonly line: SerialLine;
  /** The client whose console it is. */
  readonly console: Child;
}

interface Booting {
  readonly state: State;
  readonly kit: BootKit;
  readonly shell: UserShell;
  readonly say: Say;
}

/** For a machine under emulation, with other things to do. */
const CONNECT_SECONDS = 60;
const LINUX_SECONDS = 240;
const ANSWER_SECONDS = 60;

/** The login shell's word, and then the console's: what the board prints from now on is seen. */
const CONNECTED = /novaboot-shell: Connected\r?\n[\s\S]*\(Ctrl-\] leaves the console\)/;
/** The kernel's, and that of the board's initramfs, which stays there. */
const LINUX_TROUBLE = /(?:Kernel panic|initramfs: )[^\r\n]*[\r\n]/;

const [USER] = DEMO_USERS;

/** What get-config says, and what U-Boot has to be told then; the last line starts the kernel. */
export async function bootCommands(
  state: State,
  { kernel, ramdisk, arguments: words }: BootKit,
  shell: UserShell,
): Promise<{ config: TargetConfig; commands: string[] }> {
  const config = parseTargetConfig(await shell.run(getConfig(state, USER)));
  const names = { kernel: uploadedName(kernel), ramdisk: uploadedName(ramdisk) };
  return { config, commands: ubootCommands(config, { ...names, arguments: words }) };
}

/** @throws CommandError that says in a line what did not work, with the end of the console's output */
export async function bootBoard({ state, kit, shell, say }: Booting): Promise<BootedBoard> {
  const { config, commands } = await bootCommands(state, kit, shell);
  say(`nfsroot=${config.nfsroot}`);
  const console = shell.start(sharedConsole(state, USER, '-tt'));
  const line = new SerialLine(console.stdout, console.stdin, console.stderr);
  await line.expect({ name: 'the console', pattern: CONNECTED, seconds: CONNECT_SECONDS });
  say('the console is connected, the board is on');

  const uboot = new Uboot(line, config.prompt);
  async function reset(): Promise<void> {
    // At its prompt the board is silent: what comes after the reset is of the new start.
    await uboot.stopAutoboot();
    await shell.run(resetCommand(state, USER));
    await uboot.stopAutoboot();
    say('U-Boot waits for commands');
  }
  async function boot(uploads: Promise<unknown>, root: Promise<unknown>): Promise<void> {
    await Promise.all([uploads, reset()]);
    for (const command of commands.slice(0, -1)) {
      say(`${config.prompt}${command}`);
      const [, bytes] = /Bytes transferred = (\d+)/.exec(await uboot.command(command)) ?? [];
      if (bytes !== undefined) say(`loaded ${bytes} bytes by TFTP`);
    }
    await root;
    const last = commands.at(-1) as string;
    say(`${config.prompt}${last}`);
    await uboot.start(last);
  }
  // Side by side: the board loads its kernel while its root file system is unpacked on the server.
  const root = shell.run(rootUpload(state, USER, kit)).then(() => say('the root file system is unpacked'));
  const uploads = shell.run(bootUpload(state, USER, kit)).then(() => say('kernel and ramdisk are uploaded'));
  await Promise.all([root, boot(uploads, root)]);

  say('Linux starts');
  const pattern = promptPattern(kit.prompt);
  const limits = { trouble: LINUX_TROUBLE, seconds: LINUX_SECONDS };
  await line.expect({ name: 'a shell on the board', pattern, ...limits });
  say('a shell on the board');
  return { line, console };
}

/** Where the root is mounted from, and that owners, devices and set-user-ID bits are as in the archive. */
const QUESTIONS = [
  'uname -rm',
  "grep ' / ' /proc/mounts",
  'ls -ld /dev/null /bin/su /home/demo',
  "su demo -c '/bin/su -c id'",
] as const;

/** Types a command at the shell's prompt. @returns the lines of its answer */
async function ask(line: SerialLine, command: string, prompt: string): Promise<string[]> {
  line.type(`${command}\n`);
  const pattern = promptPattern(prompt);
  const text = await line.expect({ name: 'the board to answer', pattern, seconds: ANSWER_SECONDS });
  // Between the echo and the prompt.
  return text
    .split(/[\r\n]+/)
    .map(printable)
    .slice(1, -1);
}

/**
 * What shows that the root file system is the user's, by NFS.
 *
 * @returns lines of the console: commands and their answers
 * @throws CommandError if it is not by NFS
 */
export async function proof({ line }: BootedBoard, { prompt }: BootKit): Promise<string[]> {
  const lines: string[] = [];
  for (const command of QUESTIONS) {
    lines.push(`${prompt}${command}`, ...(await ask(line, command, prompt)));
  }
  if (lines.some((text) => text.includes(' / nfs '))) return lines;
  throw new CommandError(`the board's root is not by NFS: ${lines.join('; ')}`);
}
