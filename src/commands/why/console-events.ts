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

interface Line {
  readonly time: number;
  readonly line: string;
  readonly bytes: Buffer;
}

/** The line without colours, kernel times and what was written over. */
export function consoleText(line: Buffer): string {
  return shownText(line.toString('latin1', 0, MAX_BYTES))
    .replace(PRINTK, '')
    .slice(0, MAX_SHOWN);
}

/** Programs that users look at a line with say this themselves. */
const PROGRAM =
  /^(?:Terminal ready|Terminating\.\.\.|Thanks for using picocom|Escape character is |Connected\.|Welcome to minicom|CTRL-A Z for help|Type \[C-a\]|novaboot-shell: )/;

/** Control characters but BEL, BS, those of lines and ESC; C1; and what is no UTF-8. */
const STRANGE = /[\0-\x06\x0e-\x1a\x1c-\x1f\x7f-\x9f\ufffd]/g;

/** What is to be seen where the line has another speed. */
function isGarbage(line: Buffer): boolean {
  const text = line.toString();
  return text.replace(STRANGE, '').length < text.length * 0.75;
}

/** The last line of all is told even if it says nothing of the boot. What waits behind a prompt ends there. */
type Place = 'within' | 'end' | 'last';

export function* consoleEvents(entries: Iterable<ConsoleEntry>): Generator<BootEvent> {
  let last: Line | undefined;
  for (const entry of entries) {
    const time = entry.time.getTime();
    if (entry.type === 'session') {
      if (last) yield* told(last, 'end');
      last = undefined;
      yield { event: 'session', time, user: entry.user };
    }
    if (entry.type !== 'line') continue;
    const line = consoleText(entry.text);
    const bytes = entry.text;
    if (line === '' && !isGarbage(bytes)) continue;
    const isOfProgram = PROGRAM.test(line);
    if (last) yield* told(last, isOfProgram ? 'end' : 'within');
    last = isOfProgram ? undefined : { time, line, bytes };
  }
  if (last) yield* told(last, 'last');
}

function* told({ time, line, bytes }: Line, place: Place): Generator<BootEvent> {
  const unknown = () => ({
    marker: isGarbage(bytes) ? ('garbage' as const) : ('other' as const),
    detail: line,
  });
  const marked = markerOf(line, place !== 'within') ?? (place === 'last' ? unknown() : undefined);
  if (marked) yield { event: 'console', time, ...marked, line };
}
