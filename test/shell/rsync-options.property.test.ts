import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CommandError } from '../../src/shell/errors.ts';
import { NFSROOT_PROFILE, parseRsync, type RsyncRequest } from '../../src/shell/rsync-options.ts';

function parse(words: readonly string[]): RsyncRequest | CommandError {
  try {
    return parseRsync(words, NFSROOT_PROFILE);
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
}

const long = fc.constantFrom(
  ...NFSROOT_PROFILE.long.keys(),
  'daemon',
  'config',
  'log-file',
  'files-from',
  'super',
);
const value = fc.constantFrom('X', '5', '-1', '%i', 'ALL2', '../x', '.', 'zstd', '1m', '');
const letters = fc.string({ unit: fc.constantFrom(...'vlogDtprKLkseTMBHAXnm@.5'), maxLength: 8 });
const word = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  long.map((name) => `--${name}`),
  fc.tuple(long, value).map(([name, given]) => `--${name}=${given}`),
  letters.map((text) => `-${text}`),
  fc.constantFrom('--server', '--sender', '.', '..', 'a', 'a/b/', '../a', '/a', './a'),
  fc.constantFrom('-vlogDtpre.iLsfxCIvu', '--delete', '--timeout=5', '--log-format=X', '-B512'),
);
const role = fc.constantFrom(['--server'], ['--server', '--sender'], []);
const path = fc.string({ unit: fc.constantFrom(...'ab./.-~*'), minLength: 1, maxLength: 6 });
const anything = fc.tuple(role, fc.array(word, { maxLength: 8 }));
const plausible = fc
  .tuple(role, fc.array(word, { maxLength: 3 }), fc.array(path, { maxLength: 2 }))
  .map(([given, options, paths]) => [given, [...options, '.', ...paths]] as const);
const commandLine = fc
  .oneof(anything, { arbitrary: plausible, weight: 4 })
  .map(([given, words]) => [...given, ...words]);

test('whatever is said, the answer is a request or one line', () => {
  fc.assert(
    fc.property(commandLine, (words) => {
      const result = parse(words);
      if (!(result instanceof CommandError)) return;
      expect(result.message).toMatch(/^rsync: [^\0-\x1f\x7f]+$/);
      expect(result.exitCode).toBe(77);
    }),
    { numRuns: 2000 },
  );
});

test('what is accepted holds allowed options and paths beneath only, and loses nothing', () => {
  let accepted = 0;
  fc.assert(
    fc.property(commandLine, (words) => {
      const result = parse(words);
      if (result instanceof CommandError) return;
      accepted += 1;
      const role = result.sender ? ['--server', '--sender'] : ['--server'];
      expect([...role, ...result.options, '.', ...result.paths]).toEqual(words);
      for (const name of result.names) {
        const isLetter = NFSROOT_PROFILE.flags.includes(name) || NFSROOT_PROFILE.shortValues.has(name);
        expect(isLetter || NFSROOT_PROFILE.long.has(name)).toBe(true);
      }
      for (const option of result.options) expect(option).toMatch(/^-(?:[A-Za-z@]|-[a-z])/);
      for (const path of result.paths) {
        expect(path).not.toMatch(/^[-~/]|[\\*?[\]{}\0-\x1f]/);
        expect(path.split('/')).not.toContain('..');
      }
    }),
    { numRuns: 5000 },
  );
  expect(accepted).toBeGreaterThan(100);
});

test('no option is accepted that the profile does not name', () => {
  const names = fc.string({ unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz-ABC019'), minLength: 1 });
  fc.assert(
    fc.property(names, fc.option(value), (name, given) => {
      fc.pre(!NFSROOT_PROFILE.long.has(name));
      const option = given === null ? `--${name}` : `--${name}=${given}`;
      expect(parse(['--server', option, '.', '.'])).toBeInstanceOf(CommandError);
    }),
  );
});

test('one refused letter anywhere in a cluster refuses it all', () => {
  const allowed = fc.string({ unit: fc.constantFrom(...NFSROOT_PROFILE.flags), maxLength: 20 });
  const letter = fc
    .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 1 })
    .filter((text) => !NFSROOT_PROFILE.flags.includes(text) && !NFSROOT_PROFILE.shortValues.has(text));
  fc.assert(
    fc.property(allowed, letter, allowed, (before, bad, after) => {
      fc.pre(`${before}${bad}${after}` !== '-' && !(before === '' && bad === '-'));
      const words = (cluster: string) => ['--server', `-${cluster}e.iLsfxCIvu`, '.', '.'];
      expect(parse(words(`${before}${bad}${after}`))).toBeInstanceOf(CommandError);
      expect(parse(words(`${before}${after}`))).not.toBeInstanceOf(CommandError);
    }),
  );
});
