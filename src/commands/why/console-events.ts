/** The lines of the console log that tell something, as events. */
import type { ConsoleEntry } from '../../console/log-lines.ts';
import { plainText } from '../../console/log-text.ts';
import type { BootEvent } from './event.ts';
import { markerOf } from './markers.ts';

/** Bytes of a line that are looked at, and characters that are shown. */
const MAX_BYTES = 1024;
const MAX_SHOWN = 200;

/** A character that the next one is written over. */
const OVERWRITTEN = /[^\x08]\x08/g;
/** Linux, Documentation/core-api/printk-basics.rst: priority, time, and with PRINTK_CALLER who says it. */
const PRINTK = /^(?:<\d{1,3}>)?\[ {0,8}\d{1,10}\.\d{1,9}\](?:\[ {0,8}[CT]\d{1,8}\])? /;

/** Most lines: they need not be made harmless. */
const HARMLESS = /^[\t -~]*$/;

function shownText(line: string): string {
  if (HARMLESS.test(line)) return line.trimEnd();
  const last = line.split('\r').findLast((part) => part !== '') ?? '';
  return plainText(Buffer.from(last.replace(OVERWRITTEN, ''), 'latin1'));
}

/** The line without colours, kernel times and what was written over. */
export function consoleText(line: Buffer): string {
  return shownText(line.toString('latin1', 0, MAX_BYTES))
    .replace(PRINTK, '')
    .slice(0, MAX_SHOWN);
}

/** Of the log's last line it is told what it is even if it says nothing of the boot. */
export function* consoleEvents(entries: Iterable<ConsoleEntry>): Generator<BootEvent> {
  let last: { time: number; line: string } | undefined;
  for (const entry of entries) {
    const time = entry.time.getTime();
    if (entry.type === 'session') {
      if (last) yield* told(last, false);
      last = undefined;
      yield { event: 'session', time, user: entry.user };
    }
    if (entry.type !== 'line') continue;
    const line = consoleText(entry.text);
    if (line === '') continue;
    if (last) yield* told(last, false);
    last = { time, line };
  }
  if (last) yield* told(last, true);
}

function* told({ time, line }: { time: number; line: string }, isLast: boolean): Generator<BootEvent> {
  const marked = markerOf(line, isLast) ?? (isLast ? { marker: 'other' as const, detail: line } : undefined);
  if (marked) yield { event: 'console', time, ...marked, line };
}
