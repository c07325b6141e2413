/** Findings for people and for programs. */
import { writeJson, writeOut } from '../shell/output.ts';
import { printable } from '../shell/text.ts';
import type { Finding, Severity } from './finding.ts';

const WIDTH = 100;
const LABEL: Record<Severity, string> = { error: 'ERROR', warning: 'warning', ok: 'ok' };

/** Lines of at most WIDTH characters, all of them indented. */
function wrapped(text: string, indent: string): string {
  const lines: string[] = [];
  for (const word of printable(text).split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && indent.length + last.length + 1 + word.length <= WIDTH) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(word);
    }
  }
  return lines.map((line) => `${indent}${line}\n`).join('');
}

/** At most so many boards are named. */
const NAMED = 5;

function names(subjects: readonly string[]): string {
  const shown = subjects.slice(0, NAMED).join(', ');
  return subjects.length > NAMED ? `${shown} and ${subjects.length - NAMED} more` : shown;
}

/** What is the same with several boards is said once, with the remedy for the first of them. */
function paragraphs(findings: readonly Finding[]): string[] {
  return [...Map.groupBy(findings, ({ what }) => what).values()].map((same) => {
    const [{ severity, what, why, fix }] = same as [Finding];
    const head = `${LABEL[severity]}: ${names([...new Set(same.map(({ subject }) => subject))])}: ${what}`;
    if (severity === 'ok') return `${printable(head)}\n`;
    return `${printable(head)}\n${wrapped(why, '  ')}${wrapped(`Fix: ${fix}`, '  ')}\n`;
  });
}

function counted(count: number, name: string): string {
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}

const ORDER: readonly Severity[] = ['error', 'warning', 'ok'];

/** What is wrong, the worst first, and how much of it. @param all also what is in order */
export function reportText(findings: readonly Finding[], all: boolean): string {
  const shown = ORDER.slice(0, all ? 3 : 2);
  const text = shown.flatMap((severity) =>
    paragraphs(findings.filter((finding) => finding.severity === severity)),
  );
  const [errors = 0, warnings = 0, fine = 0] = ORDER.map(
    (severity) => findings.filter((finding) => finding.severity === severity).length,
  );
  const gap = all && fine > 0 ? '\n' : '';
  const total = `${counted(errors, 'error')}, ${counted(warnings, 'warning')}, ${fine} in order`;
  return `${text.join('')}${gap}${total}${all || fine === 0 ? '' : ' (-v shows them)'}\n`;
}

/** @returns the exit status: 1 if there is an error */
export function reportFindings(
  findings: readonly Finding[],
  { json, all }: { readonly json: boolean; readonly all: boolean },
): number {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.filter(({ severity }) => severity === 'warning').length;
  if (json) writeJson({ errors, warnings, findings });
  else writeOut(reportText(findings, all));
  return errors > 0 ? 1 : 0;
}
