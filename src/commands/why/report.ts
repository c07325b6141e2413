/** What `why` says: for people, and for programs. */
import { localTime, printable, size, table } from '../../shell/text.ts';
import type { Step } from './boot.ts';
import { type BootEvent, type ConsoleEvent, isMarker } from './event.ts';
import type { Finding, Situation } from './finding.ts';

/** Rows of a timeline that are shown: of its beginning, and of its end, which matters more. */
const FIRST_ROWS = 12;
const LAST_ROWS = 24;
const MAX_TEXT = 200;
/** Of what users have typed themselves, in one form or another. */
const MAX_COMMAND = 100;

function by(user: string | null): string {
  return user === null ? '' : ` by ${user}`;
}

function source({ event }: BootEvent): string {
  switch (event) {
    case 'power':
    case 'tftp':
      return event;
    case 'console':
    case 'session':
      return 'console';
    default:
      return 'nfs';
  }
}

function powerText(action: string, status: number | null): string {
  return status === null || status === 0 ? action : `${action} failed with status ${status}`;
}

function mountText(path: string, status: string, init: string | null | undefined): string {
  if (status !== 'MNT3_OK') return `MOUNT ${path}: ${status}`;
  return `MOUNT ${path}${init === null ? ', which has no init' : ''}`;
}

function consoleText({ marker, detail, line }: ConsoleEvent): string {
  switch (marker) {
    case 'prompt':
      return `${detail} (waits for commands)`;
    case 'loader':
      return detail;
    case 'kernel':
      return /^\d/.test(detail) ? `Linux ${detail}` : detail;
    default:
      return line.trim();
  }
}

/** One line about an event. */
export function eventText(event: BootEvent): string {
  switch (event.event) {
    case 'power':
      return `${powerText(event.action, event.status)}${by(event.user)}`;
    case 'session':
      return `recorded from here on${by(event.user)}`;
    case 'console':
      return consoleText(event);
    case 'tftp':
      return event.outcome === 'complete'
        ? `${event.file}: ${size(event.bytes)} in ${event.seconds.toFixed(1)} s`
        : `${event.file}: ${event.result}`;
    case 'mount':
      return mountText(event.path, event.status, event.init);
    case 'first-read':
      return `first READ: ${event.path}`;
    case 'init-read':
      return `first READ of init: ${event.path}`;
    case 'refused':
      return `${event.client} refused: ${event.reason}`;
    case 'version':
      return `${event.client} asked for version ${event.asked} of ${event.program}`;
  }
}

/** What was told already, perhaps in other words, and what users do on a board that is up. */
function isSaidTwice(event: BootEvent, before: readonly BootEvent[], all: readonly BootEvent[]): boolean {
  switch (event.event) {
    case 'console':
      break;
    case 'first-read':
      return all.some((other) => other.event === 'init-read' && other.user === event.user);
    default:
      return false;
  }
  switch (event.marker) {
    case 'other':
    case 'garbage':
      return true;
    case 'loading':
      if (before.some((other) => isMarker(other, 'loading'))) return true;
      return all.some((other) => other.event === 'tftp' || isMarker(other, 'loaded'));
    case 'asks':
    case 'loaded':
      return all.some((other) => other.event === 'tftp');
    case 'kernel':
      return !/^\d/.test(event.detail) && all.some((other) => isMarker(other, 'arguments'));
    case 'login':
    case 'shell':
      return before.some((other) => isMarker(other, 'login', 'shell'));
    default:
      return false;
  }
}

function shown(steps: readonly Step[]): readonly Step[] {
  const events = steps.map(({ event }) => event);
  return steps.filter(({ event }, index) => !isSaidTwice(event, events.slice(0, index), events));
}

function row(begin: number, { event, count }: Step): string[] {
  const seconds = ((event.time - begin) / 1000).toFixed(1);
  const text = printable(eventText(event));
  const max = isMarker(event, 'command', 'arguments') ? MAX_COMMAND : MAX_TEXT;
  const cut = text.length > max ? `${text.slice(0, max - 3)}...` : text;
  return [`${seconds.padStart(7)} s`, source(event), count > 1 ? `${cut} (${count} times)` : cut];
}

function timeline(steps: readonly Step[], begin: number): string {
  const rows = shown(steps).map((step) => row(begin, step));
  const left = rows.length - FIRST_ROWS - LAST_ROWS;
  if (left > 1) rows.splice(FIRST_ROWS, left, ['', '', `... ${left} more (--json has them)`]);
  return table(rows);
}

function beginOf({ boot }: Situation): number | undefined {
  return boot.power?.time ?? boot.steps[0]?.event.time;
}

function title(begin: number, { boot }: Situation): string {
  const how = boot.power ? ` (${powerText(boot.power.action, boot.power.status)}${by(boot.power.user)})` : '';
  const again = boot.attempts > 1 ? `; start ${boot.attempts} since then` : '';
  return `${printable(`The last boot, from ${localTime(new Date(begin))}${how}${again}`)}:\n`;
}

/** @param notes what keeps us from knowing more */
export function reportText(finding: Finding, situation: Situation, notes: readonly string[]): string {
  const begin = beginOf(situation);
  const events =
    begin === undefined ? '' : `${title(begin, situation)}${timeline(situation.boot.steps, begin)}\n`;
  const { stopped, why, advice } = finding;
  const lines = [
    ...(stopped === undefined ? [] : [`It stopped ${stopped}.`]),
    why,
    ...advice.map((line) => `- ${line}`),
    ...notes.map((note) => `Note: ${note}`),
  ];
  return `${events}${lines.map((line) => `${printable(line)}\n`).join('')}`;
}

export function reportJson(finding: Finding, situation: Situation, notes: readonly string[]): object {
  const { boot } = situation;
  const begin = beginOf(situation);
  const iso = (time: number) => new Date(time).toISOString();
  return {
    verdict: finding.verdict,
    up: finding.verdict === 'up',
    stopped: finding.stopped ?? null,
    why: printable(finding.why),
    advice: finding.advice.map(printable),
    notes: notes.map(printable),
    begin: begin === undefined ? null : iso(begin),
    user: boot.power?.user ?? null,
    starts: boot.attempts,
    events: boot.steps.map(({ event, count }) => ({
      time: iso(event.time),
      source: source(event),
      event: event.event === 'console' ? event.marker : event.event,
      text: printable(eventText(event)),
      count,
    })),
  };
}
