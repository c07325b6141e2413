/** Data through a program of the system that unpacks it. */
import { pipeline } from 'node:stream';
import { chunksOnce } from './chunks-once.ts';
import { TarError } from './entry.ts';

/** xz takes 65 MiB for what `xz -9` made, and says so when it needs more than it may have. */
const PROGRAMS = {
  xz: ['/usr/bin/xz', '--decompress', '--stdout', '--threads=1', '--memlimit-decompress=80MiB'],
  bzip2: ['/usr/bin/bzip2', '--decompress', '--stdout'],
} as const;

/** What Node reads from a pipe at a time. */
const PIPE_BYTES = 64 * 1024;

/** They gain no rights, and die with us. */
const GUARD = ['--no-new-privs', '--pdeathsig', 'KILL', '--'];
/** Exit statuses of setpriv for a program that it may not run, or does not find. */
const CAN_NOT_RUN = [126, 127];

/** @throws TarError, and what `source` throws */
export async function* throughProgram(
  source: AsyncIterable<Buffer>,
  name: keyof typeof PROGRAMS,
): AsyncGenerator<Buffer, void, void> {
  const { execa } = await import('execa');
  const program = execa('/usr/bin/setpriv', [...GUARD, ...PROGRAMS[name]], {
    // XZ_OPT and the like would be obeyed, and LANG translates messages.
    env: {},
    extendEnv: false,
    cwd: '/',
    buffer: { stdout: false },
    reject: false,
  });
  let failure: unknown;
  const watched = watch(source, (error) => {
    failure = error;
  });
  // A program that ends early says why itself.
  pipeline(watched, program.stdin, () => {});
  try {
    yield* chunksOnce(program.stdout, PIPE_BYTES);
    const { exitCode, signal, stderr } = await program;
    if (failure !== undefined) throw failure;
    if (exitCode === undefined)
      throw new TarError(`${name} did not end by itself (${signal ?? 'not started'})`);
    if (CAN_NOT_RUN.includes(exitCode)) throw new TarError(`the server lacks ${PROGRAMS[name][0]}`);
    if (exitCode !== 0) throw new TarError(problemOf(name, stderr));
  } finally {
    program.kill('SIGKILL');
  }
}

async function* watch(
  source: AsyncIterable<Buffer>,
  failed: (error: unknown) => void,
): AsyncGenerator<Buffer, void, void> {
  try {
    yield* source;
  } catch (error) {
    failed(error);
    throw error;
  }
}

/** The first line of what the program says. */
function problemOf(name: string, said: string): string {
  const [line = ''] = said.trim().split('\n');
  if (/unexpected end of input|ends unexpectedly/i.test(line)) return `truncated ${name} data`;
  if (/memory usage limit/i.test(line))
    return `${name} data that takes too much memory: use a smaller dictionary`;
  return `damaged ${name} data (${line.replace(/^.*?(xz|bzip2): (\(stdin\):? )?/, '')})`;
}
