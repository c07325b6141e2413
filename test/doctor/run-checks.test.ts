import { expect, it } from 'vitest';
import { type Check, inOrder } from '../../src/doctor/finding.ts';
import { runChecks } from '../../src/doctor/run-checks.ts';

const fine: Check<string> = { name: 'fine', run: (context) => [inOrder(context, 'it is')] };

it('gives findings the names of their checks, in the order of the checks', async () => {
  const late: Check<string> = {
    name: 'slower',
    async run() {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return [inOrder('b', 'too')];
    },
  };
  expect(await runChecks([late, fine], 'a')).toMatchObject([
    { check: 'slower', severity: 'ok', subject: 'b', what: 'too' },
    { check: 'fine', severity: 'ok', subject: 'a', what: 'it is' },
  ]);
});

it.each([
  [
    'throws',
    () => {
      throw new Error('no such thing');
    },
  ],
  [
    'rejects',
    async () => {
      throw new Error('no such thing');
    },
  ],
])('one that %s is a warning, and the others go on', async (_, run) => {
  const found = await runChecks([{ name: 'broken', run }, fine], 'a');
  expect(found).toMatchObject([
    { check: 'broken', severity: 'warning', what: 'The check "broken" could not be made: no such thing' },
    { check: 'fine', severity: 'ok' },
  ]);
});

it('one that does not end is told to, and is a warning', async () => {
  let ended = false;
  const endless: Check<string> = {
    name: 'endless',
    run: (_, signal) =>
      new Promise(() => {
        signal.addEventListener('abort', () => {
          ended = true;
        });
      }),
  };
  const found = await runChecks([endless, fine], 'a', 50);
  expect(found.map(({ check, severity }) => [check, severity])).toEqual([
    ['endless', 'warning'],
    ['fine', 'ok'],
  ]);
  expect(ended).toBe(true);
});
