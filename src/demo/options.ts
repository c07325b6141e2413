/** The command line of novaboot-demo. */
import { accessSync, constants, realpathSync } from 'node:fs';
import { basename, dirname, extname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import packageJson from '../../package.json' with { type: 'json' };
import { CommandError, ExitCode } from '../shell/errors.ts';

export const VERSION = `novaboot-demo ${packageJson.version}`;
export const FIRST_PORT = 2222;

export const USAGE = `usage: novaboot-demo [--boot] [--board KIND] [--port PORT] [--state DIR] [--shell FILE]
       novaboot-demo board serve DIR [--tftp-port PORT] [--home DIR] [--uboot FILE]
       novaboot-demo board console|on|off|reset DIR

Serves a demo board by SSH on the loopback interface. Needs neither root nor sshd.

  --boot        boot Linux on the board as a user would, by ssh, up to a shell on its NFS root: your
                terminal becomes the board's console. Without a terminal: prints what proves it, and ends
  --board KIND  "virtual" is a machine in QEMU with U-Boot, "simple" a program that only looks like one
                (default: virtual if what it needs is installed)
  --port PORT   the port to listen on (default: ${FIRST_PORT} or the next free one)
  --state DIR   keys, configuration and the board's home (default: .demo)
  --shell FILE  the login shell (default: novaboot-shell as built by "npm run build")
  --help        this text
  --version     the version

"board serve" runs a virtual board alone, to try a board account's configuration with: the other
"board" commands are its console_cmd, on_cmd, off_cmd and reset_cmd. It prints a target_config.
`;

const optionsSchema = z.object({
  boot: z.boolean().default(false),
  board: z.enum(['simple', 'virtual']).optional().describe('"simple" or "virtual"'),
  port: z
    .string()
    .regex(/^\d{1,5}$/)
    .transform(Number)
    .refine((port) => port <= 65535)
    .optional()
    .describe('a number from 0 to 65535'),
  state: z.string().min(1).default('.demo').describe('a directory'),
  shell: z.string().min(1).optional().describe('an executable file'),
});

export interface DemoOptions {
  readonly boot: boolean;
  /** Without it the virtual one, if it can be had. */
  readonly board: 'simple' | 'virtual' | undefined;
  /** Without it the first free one from FIRST_PORT on. */
  readonly port: number | undefined;
  /** Absolute paths. */
  readonly state: string;
  readonly shell: string;
  readonly tftpd: string;
  /** This program, to run it again with a sub-command. */
  readonly program: string;
}

/** A wrapper that the build puts beside the bundles. */
function builtProgram(program: string, name: string): string {
  const directory = dirname(program);
  return extname(program) === '.ts' ? resolve(directory, '../dist', name) : resolve(directory, name);
}

function parse(args: readonly string[]): Record<string, unknown> {
  try {
    const options = {
      boot: { type: 'boolean' },
      board: { type: 'string' },
      port: { type: 'string' },
      state: { type: 'string' },
      shell: { type: 'string' },
    } as const;
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    // Node adds a sentence on how to write positional arguments.
    const [message = ''] = (error as Error).message.split(/\. |\n/);
    throw new CommandError(`${message} (see --help)`, ExitCode.usage);
  }
}

/** @param program the running script, process.argv[1] */
export function parseOptions(args: readonly string[], program: string): DemoOptions {
  const result = optionsSchema.safeParse(parse(args));
  if (!result.success) {
    const name = String(result.error.issues[0]?.path[0]) as keyof typeof optionsSchema.shape;
    throw new CommandError(`--${name}: expected ${optionsSchema.shape[name].description}`, ExitCode.usage);
  }
  const { boot, board, port, state, shell } = result.data;
  if (boot && board === 'simple') throw new CommandError('--boot needs a virtual board', ExitCode.usage);
  const real = realpathSync(program);
  const file = shell === undefined ? builtProgram(real, 'novaboot-shell') : resolve(shell);
  try {
    accessSync(file, constants.X_OK);
  } catch {
    const hint = basename(file) === 'novaboot-shell' ? ', try "npm run build"' : '';
    throw new CommandError(`no login shell at ${file}${hint}`, ExitCode.notConfigured);
  }
  const tftpd = builtProgram(real, 'novaboot-tftpd');
  return { boot, board, port, state: resolve(state), shell: file, tftpd, program: real };
}
