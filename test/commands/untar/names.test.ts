import { expect, test } from 'vitest';
import { escaped } from '../../../src/commands/untar/names.ts';

test.each([
  ['./usr/bin/[', './usr/bin/['],
  ['a\nb\tc\x1b[2J\x7f', 'a\\nb\\tc\\033[2J\\177'],
  ['back\\slash', 'back\\\\slash'],
  ['\u00e4\u65e5\u{1f600}', '\u00e4\u65e5\u{1f600}'],
  ['\u202e\u0085', '\\342\\200\\256\\302\\205'],
  [Buffer.from([0xff, 0x61, 0xc3, 0xe4, 0xb8]), '\\377a\\303\\344\\270'],
  [Buffer.from([0xc0, 0xaf, 0xed, 0xa0, 0x80]), '\\300\\257\\355\\240\\200'],
])('%j is shown as %j', (name, shown) => {
  expect(escaped(typeof name === 'string' ? Buffer.from(name) : name)).toBe(shown);
});
