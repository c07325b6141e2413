/** The last boot, out of all that is known of a board. */
import { type BootEvent, hostOf, isMarker, type PowerEvent, type TftpEvent } from './event.ts';
import { isOutOfPlace, type Marker } from './markers.ts';

/** Events of one start of a board that are kept: its beginning and its end. A board may print what it likes. */
const MAX_STEPS = 400;
const KEPT_AT_BEGIN = 100;
/** Milliseconds in which what a board has said may still come after it was switched off. */
const ON_ITS_WAY = 3000;

export interface Step {
  readonly event: BootEvent;
  /** How often it came in a row. */
  count: number;
}

export interface Boot {
  /** What it began with, where that is known. */
  readonly power: PowerEvent | undefined;
  /** Oldest first. */
  readonly steps: readonly Step[];
  /** How often the boot loader began since `power`, and the attempt before the last one. */
  readonly attempts: number;
  readonly before: readonly Step[];
  /** The board was switched off after it. */
  readonly off: PowerEvent | undefined;
}

function isRepeated(last: BootEvent | undefined, event: BootEvent): boolean {
  if (last === undefined || last.event !== event.event) return false;
  const { time: _before, ...was } = last;
  const { time: _after, ...is } = event;
  return JSON.stringify(was) === JSON.stringify(is);
}

/** From one start of the boot loader to the next. */
class Attempt {
  readonly steps: Step[] = [];
  private readonly markers = new Set<Marker>();
  private readonly banners = new Set<string>();
  /** What it asked for when it was up: a program of its system, or its next start. What comes then tells. */
  readonly asked: TftpEvent[] = [];

  /** @param begun what it turned out to begin with */
  constructor(begun: readonly BootEvent[] = []) {
    for (const event of begun) this.add(event);
  }

  private has(...markers: readonly Marker[]): boolean {
    return markers.some((marker) => this.markers.has(marker));
  }

  /**
   * A boot loader has several stages, each with a banner of its own; it begins anew with one that was there before.
   * Some say nothing: then a kernel that comes after the last one's end does, or a request for a boot file.
   */
  endsWith(event: BootEvent): boolean {
    if (event.event === 'tftp') return !event.stranger && this.has('reboot');
    if (event.event === 'mount')
      return this.asked.some(({ client }) => hostOf(client) === hostOf(event.client));
    if (event.event !== 'console') return false;
    if (event.marker === 'kernel') return this.asked.length > 0 || this.has('reboot', 'panic');
    if (event.marker !== 'loader') return false;
    return this.banners.has(event.detail) || [...this.markers].some((marker) => marker !== 'loader');
  }

  add(event: BootEvent): void {
    if (event.event === 'tftp' && !event.stranger && this.has('login', 'shell')) this.asked.push(event);
    if (event.event === 'console') {
      if (isMarker(event, 'login', 'shell', 'other')) this.asked.length = 0;
      if (isOutOfPlace(event.marker, this.markers)) return;
      this.markers.add(event.marker);
      if (event.marker === 'loader') this.banners.add(event.detail);
    }
    const last = this.steps.at(-1);
    if (last !== undefined && isRepeated(last.event, event)) last.count += 1;
    else this.steps.push({ event, count: 1 });
    if (this.steps.length > MAX_STEPS) this.steps.splice(KEPT_AT_BEGIN, 1);
  }
}

/** What comes from a board that runs, later than what was on its way when it was switched off. */
function isLife(event: BootEvent, off: PowerEvent): boolean {
  if (event.time <= off.time + ON_ITS_WAY) return false;
  if (event.event === 'tftp') return !event.stranger;
  // A program on the line has its last words, too.
  return event.event === 'console' && !isMarker(event, 'other', 'garbage', 'prompt');
}

/** @param events in the order of time */
export function lastBoot(events: Iterable<BootEvent>): Boot {
  let power: PowerEvent | undefined;
  let off: PowerEvent | undefined;
  let isOn = false;
  let attempts = 1;
  let before = new Attempt();
  let attempt = new Attempt();
  for (const event of events) {
    if (event.event === 'power' && event.action !== 'off' && (event.action === 'reset' || !isOn)) {
      [power, off, isOn, attempts] = [event, undefined, event.status === null || event.status === 0, 1];
      [before, attempt] = [new Attempt(), new Attempt()];
    } else if (attempt.endsWith(event)) {
      attempts += 1;
      [before, attempt] = [attempt, new Attempt(attempt.asked)];
    }
    if (event.event === 'power' && event.action === 'off') [off, isOn] = [event, false];
    else if (off !== undefined && isLife(event, off)) off = undefined;
    if (isMarker(event, 'halt')) isOn = false;
    attempt.add(event);
  }
  return { power, off, attempts, before: before.steps, steps: attempt.steps };
}

/** Two sequences in the order of time as one. */
export function* inOrder(few: readonly BootEvent[], many: Iterable<BootEvent>): Generator<BootEvent> {
  const rest = [...few].sort((a, b) => a.time - b.time).values();
  let next = rest.next();
  for (const event of many) {
    for (; !next.done && next.value.time <= event.time; next = rest.next()) yield next.value;
    yield event;
  }
  for (; !next.done; next = rest.next()) yield next.value;
}
