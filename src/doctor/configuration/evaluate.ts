/** The values that ~/.novaboot-shell gives its settings, by the shell that it is written for, bounded in time. */
import { PRELUDE } from '../../shell/scripts.ts';
import { type Answer, askProgram, MAX_OUTPUT } from '../ask-program.ts';
import type { BoardPlace, Problem } from './problem.ts';

/** What the login shell reads from it: novaboot-shell.conf(5). */
export const SETTINGS = [
  ...['console', 'console_cmd', 'console_log', 'default_cmd', 'reset_cmd', 'on_cmd', 'off_cmd'],
  ...['power', 'reset_delay', 'target_config', 'tftp_journal'],
] as const;

export type Setting = (typeof SETTINGS)[number];

/** Those that a shell evaluates. */
export const COMMANDS: readonly Setting[] = ['console_cmd', 'default_cmd', 'reset_cmd', 'on_cmd', 'off_cmd'];

/** The file may change it. */
const SEARCHED = 'PATH';

/** Of the clock, and of each process's work. */
const SECONDS = 5;
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
  [ -z "$nb_command" ] || nb_said=$(/bin/sh -nc "$nb_command" novaboot-shell 2>&1) || printf '!%s=%s\\0' "$nb_name" "$nb_said" >&3
done
exit 0
`;

export interface Evaluated {
  readonly values: ReadonlyMap<Setting, string>;
  /** Where its commands, and those of drivers, are searched. */
  readonly searched: string;
  readonly problems: readonly Problem[];
}

/** timeout(1) */
const TIMED_OUT = [124, 137];

/** What the shell said last, and of which line: dash has "NAME: LINE: FILE: WORDS", bash "FILE: line LINE: WORDS". */
function complaint(file: string, { status, ended, stderr }: Answer): Problem {
  if (ended === 'flood') return { file, message: `reading it prints more than ${MAX_OUTPUT} bytes` };
  if (ended === 'late' || TIMED_OUT.includes(status ?? 0)) {
    return { file, message: `reading it does not end within ${SECONDS} seconds` };
  }
  const last = stderr.trimEnd().split('\n').at(-1)?.replace('novaboot-shell: ', '') ?? '';
  const [, dashLine, words] = /^(\d+): (.*)$/s.exec(last) ?? [];
  const said = (words ?? last).replace(`${file}: `, '');
  const [, bashLine, rest] = /^line (\d+): (.*)$/s.exec(said) ?? [];
  const line = dashLine ?? bashLine;
  const message =
    rest ?? (said || `reading it ends ${status === null ? 'by a signal' : `with status ${status}`}`);
  return { file, message, ...(line !== undefined && { line: Number(line) }) };
}

/** Words that begin or end something in a shell's language; all others that are no more than words are a command. */
const RESERVED =
  /(?<!\S)(?:if|then|elif|else|fi|do|done|case|esac|while|until|for|in|function|select|time|coproc)(?!\S)/;

/** @param values all that a file of plain assignments sets @returns undefined where only a shell knows what it means */
export function evaluatePlain(
  { env }: BoardPlace,
  values: ReadonlyMap<string, string>,
): Evaluated | undefined {
  const isKnown = [...values.keys()].every((name) => (SETTINGS as readonly string[]).includes(name));
  const commands = COMMANDS.map((name) => values.get(name) ?? '');
  const arePlain = commands.every((each) => /^[\w./:@%+=, -]*$/.test(each) && !RESERVED.test(each));
  if (!isKnown || !arePlain) return undefined;
  return { values: values as ReadonlyMap<Setting, string>, searched: env[SEARCHED] ?? '', problems: [] };
}

/** Evaluates the file as a session does, and passes over what it prints. */
export async function evaluate({ home, configPath, env, account }: BoardPlace): Promise<Evaluated> {
  const shell = ['/bin/sh', '-c', SETTINGS_SCRIPT, 'novaboot-shell'];
  const parameters = [configPath, [...SETTINGS, SEARCHED].join(' '), COMMANDS.join(' ')];
  // In the home directory, as sshd has it.
  const bounds = ['prlimit', `--cpu=${SECONDS}`, '--', 'timeout', '-k', '1', String(SECONDS)];
  const place = ['env', '-C', home, ...bounds];
  const [file = '', ...args] = [...(account?.before ?? []), ...place, ...shell, ...parameters];
  // Later than timeout(1), which ends all that it started: this is for what has left its process group, or hangs.
  const answer = await askProgram(file, args, AbortSignal.timeout((SECONDS + 2) * 1000), env);
  const values = new Map<Setting, string>();
  let searched = env.PATH ?? '';
  if (answer === undefined) throw new Error(`${file} cannot be run`);
  if (answer.status !== 0) return { values, searched, problems: [complaint(configPath, answer)] };
  const problems: Problem[] = [];
  for (const record of answer.stdout.split('\0')) {
    const [, wrong, name = '', value = ''] = /^(!?)(\w+)=(.*)$/s.exec(record) ?? [];
    if (wrong === '!') {
      const said = value.split('\n')[0]?.replace(/^novaboot-shell: (?:(?:line )?\d+: )?/, '');
      problems.push({ file: configPath, message: `${name}: ${said}` });
    } else if (name === SEARCHED) searched = value;
    else if ((SETTINGS as readonly string[]).includes(name)) values.set(name as Setting, value);
  }
  return { values, searched, problems };
}
