import { expect, test } from 'vitest';
import { PlainText, plainText } from '../../src/console/log-text.ts';

test.each([
  ['[\x1b[0;32m  OK  \x1b[0m] Started \x1b[1mNetwork\x1b[0m.', '[  OK  ] Started Network.'],
  ['\x1b]0;evil title\x07\x1b[2J\x1b[31;1H\x1bc\x1b(Blogin: ', 'login:'],
  ['\x1b]52;c;cm0gLXJmIC8=\x1b\\$ ', '$'],
  ['\x1bPq#0;2;0;0;0\x1b\\x', 'x'],
  ['temperature 40 °C, name \u202eexe.txt', 'temperature 40 °C, name ?exe.txt'],
  ['\xff\xfe\x00garbage\x01', '\ufffd\ufffdgarbage?'],
  ['Hit any key to stop autoboot:  2 \b\b\b 1 \b\b\b 0 ', 'Hit any key to stop autoboot:  2  1  0'],
  ['10%\r20%\r', '10% 20%'],
])('of %j a line shows %j', (sent, shown) => {
  const bytes = sent.includes('\xff') ? Buffer.from(sent, 'latin1') : Buffer.from(sent);
  expect(plainText(bytes)).toBe(shown);
});

test.each([
  ['a\r\nb\r\n', 'a\nb\n'],
  ['a\n\rb\n\r\n\rc', 'a\nb\n\nc'],
  ['a\r\r\nb', 'a\nb'],
  ['Loading 10%\rLoading 20%\r\ndone', 'Loading 10%\nLoading 20%\ndone'],
  ['a\r\x1b[0m\nb', 'a\nb'],
])('the lines of %j are those of %j', (sent, shown) => {
  const text = new PlainText();
  expect(text.push(Buffer.from(sent)) + text.end()).toBe(shown);
});

test('hostile bytes cost no more than another', () => {
  const pieces = ['\x1b]', '\x1b[1;', '\x1b ', '\r', '\r\x1b', '\x1bP\x1b', '\b'];
  const before = performance.now();
  for (const piece of pieces) {
    const text = new PlainText();
    text.push(Buffer.from(`${piece.repeat(3e5 / piece.length)}x`));
    text.push(Buffer.from(`\x1b[${'1'.repeat(3e5)}`));
  }
  expect(performance.now() - before).toBeLessThan(10_000);
});
