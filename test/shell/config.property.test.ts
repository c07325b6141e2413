import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parsePlain } from '../../src/shell/config.ts';

/** What /bin/sh has in `a`, `b` and `c` after reading the text; undefined where it fails. */
function evaluate(text: string): Record<string, string> | undefined {
  const script = 'set -e; eval "$1"; printf "%s\\0%s\\0%s\\0" "$a" "$b" "$c"';
  const result = spawnSync('/bin/sh', ['-c', script, 'sh', text], {
    encoding: 'utf8',
    env: { PATH: '' },
    stdio: 'pipe',
  });
  const [a = '', b = '', c = ''] = result.stdout.split('\0');
  return result.status === 0 ? { a, b, c } : undefined;
}

const piece = fc.oneof(
  fc.constantFrom(
    'a=',
    'b=',
    'c=',
    '\n',
    '\\\n',
    '"',
    "'",
    ' ',
    '\t',
    '#',
    '\\',
    '$a',
    '`',
    '=',
    'x',
    '1',
    '/',
    ';',
  ),
  fc.constantFrom(
    'a="x y"\n',
    "b='x\ny'\n",
    'c="one\\\ntwo"\n',
    '# comment\n',
    "a=x # y'\n",
    'b=x#y\n',
    'a=~\n',
    'a=x b\n',
  ),
);

it('reads a file as /bin/sh does, or leaves it to /bin/sh', () => {
  let plain = 0;
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const text = pieces.join('');
      const values = parsePlain(text);
      if (values === undefined) return;
      plain++;
      const read = { a: values.get('a') ?? '', b: values.get('b') ?? '', c: values.get('c') ?? '' };
      expect(read).toEqual(evaluate(text));
    }),
    { numRuns: 1500 },
  );
  expect(plain).toBeGreaterThan(50);
});
