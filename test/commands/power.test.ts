/** Arguments of `keep`, `power` and `status`. */
import { expect, test } from 'vitest';
import { keep } from '../../src/commands/keep.ts';
import * as power from '../../src/commands/power.ts';
import * as status from '../../src/commands/status.ts';
import type { Session } from '../../src/shell/command.ts';
import { ExitCode } from '../../src/shell/errors.ts';

const session = { home: '/nonexistent', lockDirectory: '/nonexistent', env: {} } as unknown as Session;
const usage = (message: RegExp) => ({ exitCode: ExitCode.usage, message: expect.stringMatching(message) });

test.each(['', '-1', '1.5', '604801', '99999999', '1 2', 'soon', '1e3', '0x10', '--json'])(
  'keep %s',
  (words) => {
    const args = words === '' ? [] : words.split(' ');
    expect(() => keep.prepare(session, args)).toThrow(
      expect.objectContaining(usage(/^Usage: keep SECONDS[^\n]+$/)),
    );
  },
);

test.each(['0', '1', '604800', '007'])('keep %s is one', (words) => {
  expect(keep.prepare(session, [words])).toBeTypeOf('function');
});

test.each(['--yaml', 'on', '--json --json'])('power and status %s', (words) => {
  const args = words.split(' ');
  expect(() => power.run(session, args)).toThrow(expect.objectContaining(usage(/^Usage: power \[--json\]$/)));
  expect(() => status.run(session, args)).toThrow(
    expect.objectContaining(usage(/^Usage: status \[--json\]$/)),
  );
});
