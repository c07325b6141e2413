import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { promptPattern, SerialLine } from '../../../src/demo/boot/serial-line.ts';

function serialLine() {
  const [output, input, errors] = [new PassThrough(), new PassThrough(), new PassThrough()];
  return { output, input, errors, line: new SerialLine(output, input, errors) };
}
const PROMPT = { name: 'it', pattern: promptPattern('$ '), seconds: 30 };

test('text is read once, however it comes', async () => {
  const { output, input, line } = serialLine();
  line.type('ls\n');
  expect(input.read().toString()).toBe('ls\n');
  for (const part of ['ls\r\n$ is ', 'no prompt\r\n', 'a', '\r\n$', ' \x1b', '[6n']) {
    output.write(part);
  }
  expect(await line.expect(PROMPT)).toBe('ls\r\n$ is no prompt\r\na\r\n$ ');
  const next = line.expect(PROMPT);
  output.write('\x1b[0Jb\r\n$ ');
  expect(await next).toBe('b\r\n$ ');
});

test('trouble counts only where it comes first', async () => {
  const { output, line } = serialLine();
  const wanted = { ...PROMPT, trouble: /no [^\n]*\n/ };
  output.write('one\n$ ');
  expect(await line.expect(wanted)).toBe('one\n$ ');
  output.write('no \x07luck\n$ ');
  await expect(line.expect(wanted)).rejects.toThrow(
    'waited for it: the board says "no ?luck"; the console said last:\n  | one\n  | $ no ?luck\n  | $',
  );
});

test('nothing comes', async () => {
  const { line } = serialLine();
  await expect(line.expect({ ...PROMPT, seconds: 0.01 })).rejects.toThrow(
    'waited for it: it did not come in 0.01 s; the console said nothing',
  );
});

test('the end of the console, with the last words of the client', async () => {
  const { output, errors, line } = serialLine();
  const waiting = line.expect(PROMPT);
  output.destroy();
  setImmediate(() => errors.end('Connection refused\n'));
  await expect(waiting).rejects.toThrow(
    'the console has ended; the console said last:\n  | Connection refused',
  );
});

test('what never ends is not kept', async () => {
  const { output, line } = serialLine();
  for (let count = 0; count < 100; count++) output.write('x'.repeat(100_000));
  output.write('\nend');
  expect((await line.expect({ ...PROMPT, pattern: /end/ })).length).toBeLessThan(300_000);
  line.release();
  output.write('for somebody else');
  expect(line.lastLines().at(-1)).toBe('end');
});
