/** What may follow the words of a command line, from the forms in a command table (src/shell/command.ts). */

/** What completion needs to know of a command. */
export interface Completed {
  readonly name: string;
  readonly parameters?: string;
  readonly forms?: readonly string[];
  /** Options that are not in its forms. */
  readonly options?: readonly CompletedOption[];
  readonly summary: string;
  /** It may wait for the board. */
  readonly locked?: boolean;
}

export interface CompletedOption {
  /** Without the dashes. */
  readonly name: string;
  /** What it takes. */
  readonly value?: string;
  readonly summary: string;
  readonly hidden?: boolean;
}

/** What the machine that completes can list. */
export type Value = 'BOARD' | 'FILE' | 'DIRECTORY';

export interface Word {
  readonly text: string;
  readonly summary: string;
}

/** A place on the command line. The first of a list that fits counts. */
export interface Place {
  /** What the line begins with, each word with a blank behind it. */
  readonly start: string;
  /** What it ends with, whatever is between; without it the line is `start` and no more. */
  readonly end?: string;
  readonly words: readonly Word[];
  /** What else may stand here. */
  readonly value?: Value | undefined;
}

/** One way to go on behind a command's name. */
interface Form {
  /** A word that comes first, as `list` in `root list`. */
  readonly first: string | undefined;
  /** The rest, as it is described. */
  readonly rest: string;
  readonly words: readonly Word[];
  /** Options that take a value, and what that is. */
  readonly valued: readonly { readonly option: string; readonly value: string }[];
  readonly value: string | undefined;
  /** The value may come several times, or behind options. */
  readonly repeated: boolean;
}

const FIRST = /^([a-z][a-z|-]*)(?: |$)/;
const OPTION = /(?<=^|[ [])(-[\w|-]+)(?: ([A-Z]+)[^\] ]*)?/g;
const LITERAL = /(?<=\[)[a-z][a-z|-]*(?=\])/g;
const VALUE = /(?<=^|[ [|])([A-Z]{2,})[^ ]*/;

const plain = (text: string): Word => ({ text, summary: '' });

function parseForm(form: string): Form[] {
  const firsts = FIRST.exec(form)?.[1];
  const rest = firsts === undefined ? form : form.slice(firsts.length + 1);
  const options = [...rest.matchAll(OPTION)].flatMap(([, names = '', value]) =>
    names.split('|').map((option) => ({ option, value })),
  );
  const literals = [...rest.matchAll(LITERAL)].flatMap(([names]) => names.split('|'));
  const [all = '', value] = VALUE.exec(rest.replace(OPTION, '')) ?? [];
  const parsed = {
    rest,
    words: [...options.map(({ option }) => plain(option)), ...literals.map(plain)],
    valued: options.flatMap(({ option, value }) => (value === undefined ? [] : [{ option, value }])),
    value,
    repeated: all.includes('...'),
  };
  return (firsts?.split('|') ?? [undefined]).map((first) => ({ first, ...parsed }));
}

/** Options as a form has them. */
function optionsOf(options: readonly CompletedOption[]): Pick<Form, 'words' | 'valued'> {
  const shown = options
    .filter(({ hidden }) => !hidden)
    .map((option) => ({ ...option, text: `--${option.name}` }));
  return {
    words: shown,
    valued: shown.flatMap(({ text, value }) => (value === undefined ? [] : [{ option: text, value }])),
  };
}

const WAITS: readonly Word[] = [
  { text: '--no-wait', summary: 'Give up at once if somebody else has the board' },
  { text: '--wait', summary: 'Give up after so many seconds' },
];

const VALUES: readonly string[] = ['BOARD', 'FILE', 'DIRECTORY'] satisfies Value[];

function listed(value: string | undefined): Value | undefined {
  return VALUES.includes(value ?? '') ? (value as Value) : undefined;
}

/** @param names of all commands, for `help COMMAND` @param more what may stand at once only, before all else */
function below(
  start: string,
  { words = [], valued = [], value, repeated = false }: Partial<Form>,
  names: readonly Word[],
  more: readonly Word[] = [],
): Place[] {
  const first = [...more, ...words, ...(value === 'COMMAND' ? names : [])];
  const later: Place = { start, end: '', words, value: repeated ? listed(value) : undefined };
  return [
    ...valued.map((each) => ({ start, end: `${each.option} `, words: [], value: listed(each.value) })),
    ...(first.length > words.length || listed(value) !== later.value
      ? [{ start, words: first, value: listed(value) }]
      : []),
    ...(words.length > 0 || later.value !== undefined ? [later] : []),
  ];
}

function placesOf(command: Completed, names: readonly Word[]): Place[] {
  const { name, parameters = '', forms = [parameters], options = [], locked } = command;
  const parsed = forms.flatMap(parseForm);
  const own = parsed.find(({ first }) => first === undefined);
  const more = optionsOf(options);
  const words = [...(own?.words ?? []), ...more.words];
  const seconds = parsed.flatMap((form) =>
    form.first === undefined ? [] : { text: form.first, summary: form.rest, form },
  );
  return [
    ...seconds.flatMap(({ text, form }) => below(`${name} ${text} `, form, names)),
    ...(locked ? [{ start: `${name} --wait `, words: [] }] : []),
    ...below(`${name} `, { ...own, words, valued: [...(own?.valued ?? []), ...more.valued] }, names, [
      ...seconds,
      ...(locked ? WAITS : []),
    ]),
  ];
}

/** All places of a table's commands. Those which only programs call are left out: they are described by `...`. */
export function placesIn(table: readonly Completed[]): Place[] {
  const named = table.filter(({ name, parameters }) => name !== '' && parameters !== '...');
  const names = named.map(({ name, summary }) => ({ text: name, summary }));
  return [{ start: '', words: names }, ...named.flatMap((command) => placesOf(command, names))];
}
