/** What users read. */
import { expect, test } from 'vitest';
import { diagnose } from '../../../src/commands/why/diagnosis.ts';
import type { BootEvent } from '../../../src/commands/why/event.ts';
import { reportJson, reportText } from '../../../src/commands/why/report.ts';
import { localTime } from '../../../src/shell/text.ts';
import { at, consoleOf, RESET, ROOT, recorded, situationOf } from './consoles.ts';

function textOf(events: readonly BootEvent[], notes: readonly string[] = []): string {
  const situation = situationOf(events);
  return reportText(diagnose(situation), situation, notes);
}

const tftp: BootEvent = {
  ...{ event: 'tftp', time: at(1.5), client: '192.0.2.1:1', file: 'Image', bytes: 27_303_872, seconds: 2.04 },
  ...{ retransmissions: 0, outcome: 'complete', result: 'complete' },
};
const nfs = { user: 'alice', client: '192.0.2.1' } as const;

test('a good boot, each thing once', () => {
  const lines = textOf([
    RESET,
    ...consoleOf(recorded('good')),
    tftp,
    { event: 'mount', time: at(7), ...nfs, path: ROOT, status: 'MNT3_OK', init: '/sbin/init' },
    { event: 'first-read', time: at(7), ...nfs, path: '/bin/busybox' },
    { event: 'init-read', time: at(7), ...nfs, path: '/sbin/init' },
  ]).split('\n');
  expect(lines[0]).toBe(`The last boot, from ${localTime(new Date(at(0)))} (reset by alice):`);
  expect(lines[1]).toBe('    0.0 s  power    reset by alice');
  expect(lines).toContain('    1.5 s  tftp     Image: 27.3 MB in 2.0 s');
  expect(lines).toContain(`    7.0 s  nfs      MOUNT ${ROOT}`);
  expect(lines).toContain('    7.0 s  nfs      first READ of init: /sbin/init');
  expect(
    lines.filter((line) => /first READ|Filename|Bytes transferred|physical CPU/.test(line)),
  ).toHaveLength(1);
  expect(lines.filter((line) => line.includes('Linux 6.1.0-56-cloud-arm64'))).toHaveLength(1);
  expect(lines.slice(-3)).toEqual([
    '',
    'The board is up: it asked for a login 3 s after it was started.',
    '',
  ]);
});

test('what is missing is noted at the end', () => {
  expect(textOf([RESET], ['The console is not recorded.'])).toMatch(
    /\nNote: The console is not recorded\.\n$/,
  );
});

test('a long story is cut in the middle', () => {
  const text = Array.from({ length: 100 }, (_, index) => `Unknown command '${index}' - try 'help'\n`).join(
    '',
  );
  const lines = textOf([RESET, ...consoleOf(text)]).split('\n');
  expect(lines.length).toBeLessThan(50);
  expect(lines).toContainEqual(expect.stringMatching(/^ +\.\.\. 65 more \(--json has them\)$/));
  expect(lines).toContainEqual(expect.stringContaining("Unknown command '99'"));
});

test('for programs, all of it', () => {
  const situation = situationOf([RESET, ...consoleOf(recorded('missing-kernel'))]);
  expect(reportJson(diagnose(situation), situation, ['a note'])).toMatchObject({
    ...{
      verdict: 'tftp-error',
      up: false,
      notes: ['a note'],
      begin: '2026-11-21T10:00:00.000Z',
      user: 'alice',
    },
    starts: 1,
    events: expect.arrayContaining([
      { time: '2026-11-21T10:00:00.000Z', source: 'power', event: 'power', text: 'reset by alice', count: 1 },
      expect.objectContaining({
        source: 'console',
        event: 'tftp-error',
        text: "TFTP error: 'File not found' (1)",
      }),
    ]),
  });
});
