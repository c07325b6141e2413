/** The values that ~/.novaboot-shell gives its settings, by the shell that it is written for, bounded in all respects. */
import { execFile } from 'node:child_process';
import { PRELUDE } from '../../shell/scripts.ts';
import type { BoardPlace, Problem } from './problem.ts';

/** What the login shell reads from it: novaboot-shell.conf(5). */
export const SETTINGS = [
  ...['console', 'console_cmd', 'console_log', 'default_cmd', 'reset_cmd', 'on_cmd', 'off_cmd'],
  ...['power', 'reset_delay', 'target_config', 'tftp_journal'],
] as const;

export type Setting = (typeof SETTINGS)[number];

/** Those that a shell evaluates. */
export const COMMANDS: readonly Setting[] = ['console_cmd', 'default_cmd', 'reset_cmd', 'on_cmd', 'off_cmd'];

const SECONDS = 5;
const MAX_BYTES = 1024 * 1024;
/** Of each process; the processes are counted with all others of the account. */
const BOUNDS = ['prlimit', `--cpu=${SECONDS}`, '--as=1000000000', '--nproc=1000', '--'];

/**
 * Parameters: the file; what evaluates to the names of the settings; to those of the commands. Prints NAME=VALUE for
 * each setting that is set, and !NAME=WORDS for each command that is no shell's language, with NULs behind them.
 */
const SETTINGS_SCRIPT = `${PRELUDE}exec 3>&1 1>&2
nb_settings=$2 nb_commands=$3
. "$1"
set +e
unset IFS
for nb_name in $nb_settings; do
  eval "[ -z \\"\\\${$nb_name+x}\\" ] || printf '%s=%s\\\\0' $nb_name \\"\\\${$nb_name}\\" >&3"
done
for nb_name in $nb_commands; do
  eval "nb_command=\\\${$nb_name-}"
  nb_said=$(/bin/sh -nc "$nb_command" novaboot-shell 2>&1) || printf '!%s=%s\\0' "$nb_name" "$nb_said" >&3
done
exit 0
`;

export interface Evaluated {
  readonly values: ReadonlyMap<Setting, string>;
  readonly problems: readonly Problem[];
}

interface Run {
  /** undefined when it was ended for taking too long. */
  readonly status: number | 'flood' | undefined;
  readonly out: string;
  readonly errors: string;
}

function run(argv: readonly string[], env: Readonly<Record<string, string>>): Promise<Run> {
  const [file = '', ...args] = argv;
  return new Promise((resolve) => {
    // Later than timeout(1), which ends all that it started: this is for what has left its process group.
    const timeout = (SECONDS + 2) * 1000;
    const bounds = { timeout, killSignal: 'SIGKILL', maxBuffer: MAX_BYTES } as const;
    const options = { ...bounds, env, cwd: '/', encoding: 'latin1' } as const;
    const child = execFile(file, args, options, (error, out, errors) => {
      // Node's own codes are words.
      const code: unknown = error === null ? 0 : error.code;
      const isFlood = code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER';
      resolve({ status: isFlood ? 'flood' : typeof code === 'number' ? code : undefined, out, errors });
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end();
  });
}

/** timeout(1) */
const TIMED_OUT = [124, 137];

/** What the shell said last, and of which line: dash has "NAME: LINE: FILE: WORDS", bash "FILE: line LINE: WORDS". */
function complaint(file: string, { status, errors }: Run): Problem {
  if (status === 'flood') return { file, message: `reading it prints more than ${MAX_BYTES} bytes` };
  if (status === undefined || TIMED_OUT.includes(status)) {
    return { file, message: `reading it does not end within ${SECONDS} seconds` };
  }
  const last = errors.trimEnd().split('\n').at(-1)?.replace('novaboot-shell: ', '') ?? '';
  const [, dashLine, words] = /^(\d+): (.*)$/s.exec(last) ?? [];
  const said = (words ?? last).replace(`${file}: `, '');
  const [, bashLine, rest] = /^line (\d+): (.*)$/s.exec(said) ?? [];
  const line = dashLine ?? bashLine;
  const message = rest ?? (said || `reading it ends with status ${status}`);
  return { file, message, ...(line !== undefined && { line: Number(line) }) };
}

/** Evaluates the file as a session does, and passes over what it prints. */
export async function evaluate({ home, configPath, env, account }: BoardPlace): Promise<Evaluated> {
  const shell = ['/bin/sh', '-c', SETTINGS_SCRIPT, 'novaboot-shell'];
  const parameters = [configPath, SETTINGS.join(' '), COMMANDS.join(' ')];
  // In a session of its own: without the terminal of whoever asks. In the home directory, as sshd has it.
  const place = ['env', '-C', home, ...BOUNDS, 'timeout', '-k', '1', String(SECONDS)];
  const before = ['setsid', ...(account?.before ?? []), ...place];
  const ended = await run([...before, ...shell, ...parameters], env);
  const values = new Map<Setting, string>();
  if (ended.status !== 0) return { values, problems: [complaint(configPath, ended)] };
  const problems: Problem[] = [];
  for (const record of ended.out.split('\0')) {
    const [, wrong, name = '', value = ''] = /^(!?)(\w+)=(.*)$/s.exec(record) ?? [];
    if (wrong === '!') {
      const said = value.split('\n')[0]?.replace(/^novaboot-shell: (?:(?:line )?\d+: )?/, '');
      problems.push({ file: configPath, message: `${name}: ${said}` });
    } else if ((SETTINGS as readonly string[]).includes(name)) values.set(name as Setting, value);
  }
  return { values, problems };
}
