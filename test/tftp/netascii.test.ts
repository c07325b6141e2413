import fc from 'fast-check';
import { expect, it } from 'vitest';
import { toNetascii } from '../../src/tftp/netascii.ts';

const translated = (text: string) => toNetascii(Buffer.from(text, 'latin1')).toString('latin1');

it.each([
  ['', ''],
  ['one\ntwo\n', 'one\r\ntwo\r\n'],
  ['\r', '\r\0'],
  ['\r\n', '\r\0\r\n'],
  ['\0\xff', '\0\xff'],
])('%j becomes %j', (text, expected) => {
  expect(translated(text)).toBe(expected);
});

it('can be translated back, wherever it is cut', () => {
  const text = fc.array(fc.constantFrom('\r', '\n', '\0', 'a', '\xff'), { maxLength: 40 });
  fc.assert(
    fc.property(text, fc.nat(40), (characters, cut) => {
      const all = characters.join('');
      const parts = translated(all.slice(0, cut)) + translated(all.slice(cut));
      expect(parts).toBe(translated(all));
      expect(parts.replace(/\r([\0\n])/g, (_, next) => (next === '\n' ? '\n' : '\r'))).toBe(all);
    }),
  );
});
