/** Runs a program that speaks to a device. */
import { type ExecException, execFile } from 'node:child_process';
import { CommandError } from '../shell/errors.ts';
import { shown } from './errors.ts';

/** Bytes of output that are looked at. */
const OUTPUT_LIMIT = 256 * 1024;

interface ToolResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ToolOptions {
  readonly signal: AbortSignal;
  /** The Debian package that has it, for those who lack it. */
  readonly package: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs it to its end, in English. Its arguments are seen by all users of the host: no secrets. It ends with us, also when
 * we are killed: it must not switch while somebody else has the board.
 * @throws CommandError when it cannot be run, is ended by a signal, or says too much
 */
export async function runTool(
  name: string,
  args: readonly string[],
  options: ToolOptions,
): Promise<ToolResult> {
  return await new Promise((resolve, reject) => {
    const child = execFile(
      'setpriv',
      ['--pdeathsig', 'KILL', '--', name, ...args],
      {
        env: { ...process.env, ...options.env, LC_ALL: 'C' },
        signal: options.signal,
        killSignal: 'SIGKILL',
        maxBuffer: OUTPUT_LIMIT,
      },
      (error, stdout, stderr) => {
        const status = error === null ? 0 : error.code;
        if (typeof status !== 'number') reject(failure(name, error));
        else if (/^setpriv: failed to execute/.test(stderr)) reject(missing(name, options.package));
        else resolve({ status, stdout, stderr });
      },
    );
    child.stdin?.end();
  });
}

function missing(name: string, pack: string): CommandError {
  return new CommandError(`the program ${name} cannot be run; it is in the Debian package ${pack}`);
}

function failure(name: string, error: ExecException | null): CommandError {
  if (error?.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
    return new CommandError(`${name} says too much; try it by hand`);
  }
  const reason = error?.signal ?? error?.code ?? shown(error?.message ?? '');
  return new CommandError(`${name} ended by ${reason}; try it by hand`);
}
