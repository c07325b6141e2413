/** What a command of novaboot-admin is, and how its words are read. */
import { parseArgs } from 'node:util';
import { CommandError, ExitCode } from '../shell/errors.ts';

export interface AdminOption {
  /** Without the dashes. */
  readonly name: string;
  /** What it takes, as in `FILE`; none for one that is there or not. */
  readonly value?: string;
  /** It may be said several times. */
  readonly many?: true;
  /** It must be said. */
  readonly required?: true;
  /** A letter that means the same. */
  readonly letter?: string;
  /** One line for --help. */
  readonly summary: string;
}

/** What was said to a command. */
export interface AdminWords {
  readonly args: readonly string[];
  /** Of an option that takes one. */
  value(name: string): string | undefined;
  values(name: string): readonly string[];
  has(name: string): boolean;
}

export interface AdminCommand {
  readonly name: string;
  /** The arguments, as in `BOARD [NAME...]`. */
  readonly parameters?: string;
  /** One line for --help. */
  readonly summary: string;
  readonly options?: readonly AdminOption[];
  /** Root is not needed. */
  readonly anyone?: true;
  /** It is not listed. */
  readonly hidden?: true;
  readonly load: () => Promise<{ run(words: AdminWords): Run }>;
}

/** The exit status; 0 for none. */
type Run = Promise<number | undefined> | Promise<void> | number | undefined | void;

export type AdminTable = readonly AdminCommand[];

export const HELP: AdminOption = { name: 'help', letter: 'h', summary: 'Show this help' };

function form({ name, value, many, required }: AdminOption): string {
  const text = `--${name}${value === undefined ? '' : ` ${value}`}`;
  return `${required ? text : `[${text}]`}${many ? '...' : ''}`;
}

/** All that may stand behind the command's name. */
export function formOf({ parameters = '', options = [] }: AdminCommand): string {
  return [parameters, ...options.map(form)].filter((word) => word !== '').join(' ');
}

function usage(command: AdminCommand, message: string): CommandError {
  const form = `novaboot-admin ${command.name} ${command.parameters ?? ''}`.trimEnd();
  return new CommandError(`${message}; usage: ${form} (see --help)`, ExitCode.usage);
}

type Values = Readonly<Record<string, readonly (string | boolean)[] | undefined>>;

/** An option and its value as one word, since parseArgs() takes no value that begins with a dash otherwise. */
function joinedValues({ options = [] }: AdminCommand, argv: readonly string[]): string[] {
  const words: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (word === '--') return [...words, ...argv.slice(at)];
    const value = argv[at + 1];
    const takesValue = options.some((option) => option.value !== undefined && `--${option.name}` === word);
    if (takesValue && value !== undefined) at++;
    words.push(takesValue && value !== undefined ? `${word}=${value}` : word);
  }
  return words;
}

function parsed(command: AdminCommand, argv: readonly string[]): { values: Values; positionals: string[] } {
  const options = [...(command.options ?? []), HELP].map(({ name, value, letter }) => [
    name,
    {
      type: value === undefined ? ('boolean' as const) : ('string' as const),
      multiple: true as const,
      ...(letter === undefined ? {} : { short: letter }),
    },
  ]);
  try {
    const { values, positionals } = parseArgs({
      args: joinedValues(command, argv),
      options: Object.fromEntries(options),
      allowPositionals: true,
    });
    return { values: values as Values, positionals };
  } catch (error) {
    // The first sentence says what is wrong; the others are about programming.
    throw usage(command, (error as Error).message.split(/\. |\n/)[0] ?? '');
  }
}

/** How many arguments there may be: each word of `parameters` is one, `[…]` may be left out, `…...` repeated. */
function argumentRange(parameters = ''): { least: number; most: number } {
  const words = parameters.split(' ').filter((word) => word !== '');
  return {
    least: words.filter((word) => !word.startsWith('[')).length,
    most: words.some((word) => word.includes('...')) ? Number.POSITIVE_INFINITY : words.length,
  };
}

/** @returns undefined if help was asked for @throws CommandError (64) */
export function readWords(command: AdminCommand, argv: readonly string[]): AdminWords | undefined {
  const { values, positionals: args } = parsed(command, argv);
  if (values[HELP.name] !== undefined) return undefined;
  const { least, most } = argumentRange(command.parameters);
  if (args.length < least) throw usage(command, 'Something is missing');
  if (args.length > most) throw usage(command, `"${args[most]}" is too much`);
  for (const { name, many, required } of command.options ?? []) {
    const count = values[name]?.length ?? 0;
    if (count > 1 && !many) throw usage(command, `--${name} may be said once`);
    if (count === 0 && required) throw usage(command, `--${name} is missing`);
  }
  const listOf = (name: string) => (values[name] ?? []).filter((value) => typeof value === 'string');
  return {
    args,
    value: (name) => listOf(name)[0],
    values: listOf,
    has: (name) => values[name] !== undefined,
  };
}
