/** The command line of novaboot-demo. */
import { accessSync, constants, realpathSync } from 'node:fs';
import { basename, dirname, extname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import packageJson from '../../package.json' with { type: 'json' };
import { CommandError, ExitCode } from '../shell/errors.ts';

export const VERSION = `novaboot-demo ${packageJson.version}`;
export const FIRST_PORT = 2222;

export const USAGE = `usage: novaboot-demo [--port PORT] [--state DIR] [--shell FILE]

Serves a demo board by SSH on the loopback interface. Needs neither root nor sshd.

  --port PORT   the port to listen on (default: ${FIRST_PORT} or the next free one)
  --state DIR   keys, configuration and the board's home (default: .demo)
  --shell FILE  the login shell (default: novaboot-shell as built by "npm run build")
  --help        this text
  --version     the version
`;

const optionsSchema = z.object({
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
  /** Without it the first free one from FIRST_PORT on. */
  readonly port: number | undefined;
  /** Absolute paths. */
  readonly state: string;
  readonly shell: string;
  /** This program, to run it again with a sub-command. */
  readonly program: string;
}

/** The wrapper that the build puts beside the bundles. */
function builtShell(program: string): string {
  const directory = dirname(program);
  return extname(program) === '.ts'
    ? resolve(directory, '../dist/novaboot-shell')
    : resolve(directory, 'novaboot-shell');
}

function parse(args: readonly string[]): Record<string, unknown> {
  try {
    const options = {
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
  const { port, state, shell } = result.data;
  const real = realpathSync(program);
  const file = shell === undefined ? builtShell(real) : resolve(shell);
  try {
    accessSync(file, constants.X_OK);
  } catch {
    const hint = basename(file) === 'novaboot-shell' ? ', try "npm run build"' : '';
    throw new CommandError(`no login shell at ${file}${hint}`, ExitCode.notConfigured);
  }
  return { port, state: resolve(state), shell: file, program: real };
}
