import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { splitWords } from '../../src/shell/request.ts';

const command = fc.string({
  unit: fc.constantFrom(...[...'ab \t;|&$`"\'\\*?[]{}()<>!#~=%^-./ä😀']),
  maxLength: 40,
});

it('splits as an unquoted expansion without globbing does in sh', () => {
  fc.assert(
    fc.property(command, (text) => {
      const script = 'set -f; set -- $1; for word; do printf "%s\\n" "$word"; done';
      const { stdout } = spawnSync('/bin/sh', ['-c', script, 'sh', text], { encoding: 'utf8', env: {} });
      expect(splitWords(text)).toEqual(stdout.split('\n').slice(0, -1));
    }),
    { numRuns: 150 },
  );
});

it('never gives a word with a blank or a control character in it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      let words: string[] = [];
      try {
        words = splitWords(text);
      } catch {
        return;
      }
      expect(words.join('')).toBe(text.replace(/[ \t]/g, ''));
      for (const word of words) expect(word).not.toMatch(/[\0-\x20\x7f-\x9f]/);
    }),
  );
});
