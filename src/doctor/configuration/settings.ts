/** ~/.novaboot-shell: what it sets, and what of that is wrong. */
import { parseConsoleSpec } from '../../console/console-spec.ts';
import { parseSpec } from '../../power/spec.ts';
import { parsePlain } from '../../shell/config.ts';
import { CommandError } from '../../shell/errors.ts';
import { lineOf, readBoardFile } from './board-file.ts';
import { type Evaluated, evaluate, evaluatePlain, SETTINGS, type Setting } from './evaluate.ts';
import type { BoardPlace, Problem } from './problem.ts';

const MAX_RESET_DELAY = 600;

/** What the settings' values are to be, for those that are no commands. @throws CommandError that begins with the name */
const CHECKS: Partial<Readonly<Record<Setting, (value: string) => unknown>>> = {
  console: parseConsoleSpec,
  power: parseSpec,
  console_log: (value) => expect('console_log', 'yes or no', ['yes', 'no'].includes(value)),
  reset_delay: (value) =>
    expect(
      'reset_delay',
      `a number of seconds, at most ${MAX_RESET_DELAY}`,
      /^\d+(?:\.\d+)?$/.test(value) && Number(value) <= MAX_RESET_DELAY,
    ),
  tftp_journal: (value) => expect('tftp_journal', 'an absolute path', value.startsWith('/')),
  // The client ends at any other line.
  target_config: (value) =>
    expect(
      'target_config',
      'options of the novaboot client, a line each, that begin with --',
      value.split('\n').every((line) => line === '' || line.startsWith('--')),
    ),
};

function expect(name: Setting, expected: string, isRight: boolean): void {
  if (!isRight) throw new CommandError(`${name}: expected ${expected}`);
}

/** @throws CommandError for a value that the setting cannot have; an empty one is none, as for a shell */
export async function checkSetting(name: Setting, value: string): Promise<void> {
  if (value !== '') await CHECKS[name]?.(value);
}

/** More are not looked for in the file. */
const MAX_NAMES = 20;

/** Variables of the environment: an assignment has an effect without a mention. */
const ENVIRONMENT = /^(?:PATH|HOME|TERM|LANG|LC_[A-Z]+|TZ|IFS|SHELL|USER|LOGNAME|SSH_\w+|XDG_\w+|NB_\w+)$/;

function unknownNames(file: string, text: string, values: ReadonlyMap<string, string>): Problem[] {
  const names = [...values.keys()].filter((name) => !(SETTINGS as readonly string[]).includes(name));
  const unused = names
    .slice(0, MAX_NAMES)
    .filter((name) => !ENVIRONMENT.test(name) && !new RegExp(`\\$\\{?${name}\\b`).test(text));
  return unused.map((name) => ({
    file,
    line: lineOf(text, name),
    message: `${name}: no setting, and nothing uses it; there are ${SETTINGS.join(', ')}`,
    warning: true,
  }));
}

async function wrongValues(file: string, text: string, values: Evaluated['values']): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const [name, value] of values) {
    try {
      await checkSetting(name, value);
    } catch (error) {
      const { message } = error as Error;
      problems.push({ file, line: lineOf(text, name), message: message.replace(/^(\w+)=: /, '$1: ') });
    }
  }
  return problems;
}

/** What the board's configuration says, and what is wrong with it. No values where it cannot be read. */
export async function readSettings(place: BoardPlace): Promise<Evaluated> {
  const { configPath: file } = place;
  const none = (problem: Problem) => ({ values: new Map(), searched: '', problems: [problem] });
  const bytes = readBoardFile(place, file);
  if (bytes === undefined) return none({ file, message: 'no such file: the administrator has to create it' });
  if (!Buffer.isBuffer(bytes)) return none(bytes);
  const text = bytes.toString();
  const plain = parsePlain(text);
  const { values, searched, problems } = (plain && evaluatePlain(place, plain)) ?? (await evaluate(place));
  const placed = problems.map((problem) => {
    // Else it is what the file made the shell say, and no setting.
    const [, name] = /^(\w+): /.exec(problem.message) ?? [];
    return { ...problem, line: problem.line ?? (name === undefined ? undefined : lineOf(text, name)) };
  });
  const unknown = plain === undefined ? [] : unknownNames(file, text, plain);
  return { values, searched, problems: [...placed, ...(await wrongValues(file, text, values)), ...unknown] };
}
