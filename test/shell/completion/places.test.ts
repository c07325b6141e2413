import { expect, it } from 'vitest';
import { type Completed, placesIn } from '../../../src/shell/completion/places.ts';

/** As `START*END: WORD... VALUE`. */
function shown(command: Completed): string[] {
  return placesIn([command]).map(({ start, end, words, value }) => {
    const texts = [...words.map(({ text }) => text), ...(value ? [value] : [])];
    return `${start}${end === undefined ? '' : `*${end}`}: ${texts.join(' ')}`.trimEnd();
  });
}

it.each<[string, Partial<Completed>, string[]]>([
  ['nothing', {}, []],
  ['an option', { parameters: '[--json]' }, ['x *: --json']],
  ['a value', { parameters: 'NAME' }, []],
  ['a word behind a value', { parameters: 'NAME [admin]' }, ['x *: admin']],
  ['a value that is known', { parameters: 'BOARD' }, ['x : BOARD']],
  ['several of them', { parameters: '[BOARD...]' }, ['x *: BOARD']],
  ['words to choose from', { parameters: 'a|b [HOST...]' }, ['x : a b']],
  [
    'forms',
    { parameters: '...', forms: ['list [--json]', 'save NAME [@N]', '[-v]'] },
    ['x list *: --json', 'x : list save -v', 'x *: -v'],
  ],
  [
    'options with values',
    { parameters: '[-n|--lines LINES] [--key FILE] NAME' },
    ['x *-n :', 'x *--lines :', 'x *--key : FILE', 'x *: -n --lines --key'],
  ],
  [
    'options apart',
    {
      parameters: 'BOARD',
      options: [
        { name: 'key', value: 'FILE', summary: '' },
        { name: 'all', summary: '' },
      ],
    },
    ['x *--key : FILE', 'x : --key --all BOARD', 'x *: --key --all'],
  ],
  ['waiting', { locked: true, parameters: '[-v]' }, ['x --wait :', 'x : --no-wait --wait -v', 'x *: -v']],
  ['the names of commands', { parameters: '[COMMAND]' }, ['x : x']],
])('%s', (_, command, places) => {
  const parameters = command.parameters === '...' ? '[-v] ...' : command.parameters;
  const whole = { name: 'x', summary: '', ...command, ...(parameters === undefined ? {} : { parameters }) };
  expect(shown(whole)).toEqual([': x', ...places]);
});

it('leaves out what only programs say', () => {
  expect(shown({ name: 'rsync', parameters: '...', summary: '' })).toEqual([':']);
});
