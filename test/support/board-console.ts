/**
 * A board: a guest whose root file system is Debian's, mounted by NFS, and that a test works with as a user does: over
 * its serial line, from `login:` to the power-off.
 */
import { makeGuestImage } from './guest-image.ts';
import { Session } from './ssh-session.ts';

const BOOT_MS = 150_000;
const COMMAND_MS = 120_000;
/** What comes back then is output alone: no echo, no prompts, no escape sequences. */
const QUIET_SHELL = 'stty -echo -onlcr; exec env PS1= PS2= sh';

export interface Board {
  /** Logs in as root, and then has a silent shell. */
  logIn(password: string): Promise<void>;
  /**
   * Runs a script of /bin/sh in the shell that is logged in.
   *
   * @returns its output, without the last newline
   * @throws Error with what was on the console if a command fails, or after `milliseconds`
   */
  sh(script: string, milliseconds?: number): Promise<string>;
  /** Lets the system end itself. @throws Error with what was on the console if it does not */
  powerOff(): Promise<void>;
  /** Ends QEMU, as a power cut does. */
  stop(): Promise<void>;
}

/**
 * Waits for `login:`.
 *
 * @param nfsroot SERVER:PATH,OPTIONS
 * @throws Error that says what is missing on this machine, or with the console if there is no prompt
 */
export async function bootBoard(nfsroot: string): Promise<Board> {
  const image = makeGuestImage({ nfsroot }, []);
  const serial = new Session(
    [...image.argv, '-chardev', 'stdio,id=serial,signal=off', '-serial', 'chardev:serial'],
    {
      PATH: process.env.PATH ?? '/usr/bin:/bin',
    },
  );
  let count = 0;
  const board: Board = {
    async logIn(password) {
      serial.write('root\n');
      await serial.waitForOutput(/Password: /, { milliseconds: COMMAND_MS });
      serial.write(`${password}\n`);
      await serial.waitForOutput(/root@board:~# /, { milliseconds: COMMAND_MS });
      serial.write(`${QUIET_SHELL}\necho qui''et\n`);
      await serial.waitForOutput(/quiet\n/, { milliseconds: COMMAND_MS });
    },
    async sh(script, milliseconds = COMMAND_MS) {
      const mark = `=${++count}=`;
      serial.write(`sh -e <<'${mark}' 2>&1\necho 'begin${mark}'\n${script}\n${mark}\necho "end${mark}$?"\n`);
      const end = new RegExp(`begin${mark}\\n([^]*?)\\n?end${mark}(\\d+)\\n`);
      const [, output = '', status] = await serial.waitForOutput(end, { milliseconds });
      if (status !== '0') throw new Error(`Status ${status} of: ${script}\n${output}`);
      return output;
    },
    async powerOff() {
      serial.write('poweroff\n');
      await serial.waitForOutput(/reboot: Power down/, { milliseconds: COMMAND_MS });
      await serial.exited;
    },
    async stop() {
      serial.kill('SIGKILL');
      await serial.exited;
      image.remove();
    },
  };
  try {
    await serial.waitForOutput(/board login: /, { milliseconds: BOOT_MS });
  } catch (error) {
    await board.stop();
    throw error;
  }
  return board;
}
