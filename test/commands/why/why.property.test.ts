/** Boards and clients say what they like: the answer stays short, printable and quick. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { consoleText } from '../../../src/commands/why/console-events.ts';
import { diagnose } from '../../../src/commands/why/diagnosis.ts';
import type { BootEvent } from '../../../src/commands/why/event.ts';
import { markerOf } from '../../../src/commands/why/markers.ts';
import { reportJson, reportText } from '../../../src/commands/why/report.ts';
import { at, consoleOf, RESET, recorded, situationOf } from './consoles.ts';

const names = ['missing-kernel', 'no-server', 'wrong-nfsroot', 'no-ramdisk-panic', 'wrong-init', 'good'];
const LINES = names.flatMap((name) => recorded(name).toString('latin1').split('\n'));

const hostile = fc.oneof(
  fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  fc
    .tuple(fc.constantFrom(...LINES), fc.string({ unit: 'binary', maxLength: 20 }))
    .map(([line, text]) => line + text),
  fc.constantFrom(
    '\x1b]0;title\x07',
    '\x1b[2J\x1b[H',
    '\u202egnp',
    '\x9b31m',
    '=> ',
    '# ',
    '\r\r\r',
    '\b\b\b',
  ),
);
const line = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...LINES) }, { weight: 1, arbitrary: hostile });
const text = fc.string({ unit: 'binary', maxLength: 40 });
const time = fc.integer({ min: 0, max: 60 }).map(at);
const server = fc.record({ time, user: fc.constantFrom('alice', 'bob'), client: text });
const event: fc.Arbitrary<BootEvent> = fc.oneof(
  fc.record({
    ...{ event: fc.constant('power' as const), time, user: fc.option(text) },
    ...{ action: fc.constantFrom('on', 'off', 'reset'), status: fc.option(fc.integer({ min: 0, max: 255 })) },
  }),
  fc.record({
    ...{ event: fc.constant('tftp' as const), time, client: text, file: text, result: text },
    ...{ bytes: fc.nat(), seconds: fc.double({ min: 0, max: 1e6, noNaN: true }), retransmissions: fc.nat() },
    outcome: fc.constantFrom('complete', 'refused', 'failed'),
  }),
  fc
    .tuple(server, text, fc.constantFrom('MNT3_OK', 'MNT3ERR_NOENT', 'put-off'), fc.option(text))
    .map(([by, path, status, init]) => ({ event: 'mount' as const, ...by, path, status, init })),
  fc.tuple(server, text).map(([by, path]) => ({ event: 'init-read' as const, ...by, path })),
  fc.tuple(server, text).map(([by, reason]) => ({ event: 'refused' as const, ...by, reason })),
);

test('whatever happened, there is an answer of bounded length without control characters', () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 120 }), fc.array(event, { maxLength: 8 }), (lines, events) => {
      const console = consoleOf(Buffer.from(lines.join('\r\n'), 'latin1'));
      const situation = situationOf([RESET, ...console, ...events]);
      const finding = diagnose(situation);
      const said = reportText(finding, situation, []);
      expect(said).not.toMatch(/[\0-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
      expect(said.split('\n').length).toBeLessThan(50);
      for (const row of said.split('\n')) expect(row.length).toBeLessThan(1000);
      const json = JSON.stringify(reportJson(finding, situation, []));
      expect(JSON.parse(json).verdict).toBe(finding.verdict);
    }),
  );
});

/** As a pattern that tries all ways to divide a line would take them for seconds. */
test.each([
  'a',
  ' ',
  '#',
  'T ',
  '.',
  '-',
  '/',
  "'",
  '[',
  '0',
  'U-Boot ',
  'mount: ',
  'error: ',
  '\x1b[',
  '\b',
  '\r',
])('a line of nothing but %j is quick', (piece) => {
  const lines = [...LINES.slice(0, 40), ''].map((begin) =>
    Buffer.from(begin + piece.repeat(4096 / piece.length)),
  );
  const begin = performance.now();
  for (const bytes of lines) markerOf(consoleText(bytes), true);
  expect((performance.now() - begin) / lines.length).toBeLessThan(20);
});
