import { expect, it } from 'vitest';
import type { Finding } from '../../src/doctor/finding.ts';
import { reportText } from '../../src/doctor/report.ts';

const fault: Finding = {
  check: 'keys',
  severity: 'warning',
  subject: 'board',
  what: 'no restrict',
  why: 'It matters.',
  fix: 'Write it.',
};
const worse: Finding = { ...fault, severity: 'error', subject: 'host', what: 'no rsync' };
const fine: Finding = { check: 'clock', severity: 'ok', subject: 'host', what: 'right', why: '', fix: '' };

it('tells what is wrong, errors first, and counts', () => {
  expect(reportText([fine, fault, worse], false)).toBe(`ERROR: host: no rsync
  It matters.
  Fix: Write it.

warning: board: no restrict
  It matters.
  Fix: Write it.

1 error, 1 warning, 1 in order (-v shows them)
`);
});

it('tells what is in order when asked', () => {
  expect(reportText([fine], true)).toBe('ok: host: right\n\n0 errors, 0 warnings, 1 in order\n');
  expect(reportText([], false)).toBe('0 errors, 0 warnings, 0 in order\n');
});

it('shows nothing that a terminal would obey, and no line that is too long', () => {
  const text = reportText(
    [{ ...fault, what: 'a\u001b[2Jb\nc', why: `${'word '.repeat(60)}\u009b`, fix: 'x\ty' }],
    false,
  );
  expect(text).not.toMatch(/[\0-\x09\x0b-\x1f\x7f-\x9f]/);
  expect(text).toContain('a?[2Jb?c');
  for (const line of text.split('\n').slice(1)) expect(line.length).toBeLessThanOrEqual(100);
});

it('says once what is the same with several boards', () => {
  const same = Array.from({ length: 7 }, (_, index) => ({
    ...fault,
    subject: `b${index}`,
    fix: `Write b${index}.`,
  }));
  expect(reportText([...same, worse, { ...same[0], what: 'another' } as Finding], false)).toMatch(
    /^ERROR: host[\s\S]*\n\nwarning: b0, b1, b2, b3, b4 and 2 more: no restrict\n.*\n {2}Fix: Write b0.\n\nwarning: b0: another\n[\s\S]*1 error, 8 warnings/,
  );
});
