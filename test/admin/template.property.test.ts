import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type BoardConfig, CONFIG_NAMES } from '../../src/admin/desired.ts';
import { configFile, hasConfig } from '../../src/admin/template.ts';
import { isUntouched } from '../../src/admin/written-file.ts';
import { parsePlain } from '../../src/shell/config.ts';

/** What shells and regular expressions take for something else. */
const value = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'a1 \'"\\$`#\n\t=;&|~*!{}()é\u{1f600}') }),
  fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '').replace(/\p{Cs}/gu, '')),
);
const config: fc.Arbitrary<BoardConfig> = fc
  .record(Object.fromEntries(CONFIG_NAMES.map((name) => [name, value])), { requiredKeys: [] })
  .map((record) => record as BoardConfig);

/** What sh makes of the file: each variable that it sets. */
function evaluated(file: string): BoardConfig {
  const script = `eval "$1"; for name; do eval "[ -z \\"\\\${$name+x}\\" ] || printf '%s=%s\\\\0' $name \\"\\\${$name}\\""; done`;
  const output = execFileSync(
    '/bin/sh',
    ['-c', `set -- "$@"; file=$1; shift; ${script.replace('"$1"', '"$file"')}`, 'sh', file, ...CONFIG_NAMES],
    {
      encoding: 'utf8',
      env: {},
    },
  );
  const entries = output
    .split('\0')
    .slice(0, -1)
    .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]);
  return Object.fromEntries(entries);
}

it('sh reads exactly what was wanted', () => {
  fc.assert(
    fc.property(config, (wanted) => {
      expect(evaluated(configFile(wanted))).toEqual(wanted);
    }),
    { numRuns: 60 },
  );
});

it('without sh the same is read, or it is known that sh is needed', () => {
  fc.assert(
    fc.property(config, (wanted) => {
      const file = configFile(wanted);
      const values = parsePlain(file);
      if (values !== undefined) expect(Object.fromEntries(values)).toEqual(wanted);
      expect(hasConfig(file, wanted)).toBe(values !== undefined);
      expect(isUntouched(file)).toBe(true);
    }),
  );
});

it('a change of any byte is noticed', () => {
  const file = configFile({ console: 'tcp:lab:1' });
  fc.assert(
    fc.property(fc.nat(file.length - 1), fc.constantFrom('x', '', '\n'), (at, text) => {
      const changed = file.slice(0, at) + text + file.slice(at + 1);
      // The words behind the digest are for people.
      const inWords = at > file.indexOf(')') && at < file.indexOf('\n');
      fc.pre(changed !== file && !inWords);
      expect(isUntouched(changed)).toBe(false);
    }),
  );
});
