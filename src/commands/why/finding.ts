/** What is wrong with a boot, and what is known besides its events. */
import type { Boot } from './boot.ts';
import { type BootEvent, type ConsoleEvent, isMarker, type NfsEvent } from './event.ts';
import type { Marker } from './markers.ts';

export interface Finding {
  /** For programs; see the table in diagnosis.ts. */
  readonly verdict: string;
  /** Completes "The boot stopped ..."; absent where it did not. */
  readonly stopped?: string;
  /** Sentences without a line end. */
  readonly why: string;
  readonly advice: readonly string[];
}

/** An NFS server of the board. */
export interface RootServer {
  readonly user: string;
  /** The directory that boards mount. */
  readonly exported: string;
  /** undefined while it is stopped. */
  readonly port: number | undefined;
}

export interface Situation {
  readonly boot: Boot;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Who asks. */
  readonly user: string | undefined;
  /** Who has the board. */
  readonly holder: string | undefined;
  /** Names in the directory of boot files; undefined if it cannot be read. */
  readonly files: readonly string[] | undefined;
  readonly servers: readonly RootServer[];
  /** Whether what the consoles show is recorded, and was during this boot. */
  readonly consoleLog: 'none' | 'unwatched' | 'watched';
  /** Until when one was connected, in milliseconds since 1970. */
  readonly watchedUntil: number;
  /** Whether the TFTP server's journal can be read. */
  readonly tftpJournal: boolean;
}

/** Advice. */
export const READ_LOG = 'Read what the console showed: ssh BOARD console-log -n 60.';

/** The events of the last attempt, oldest first. */
export function eventsOf({ boot }: Situation): BootEvent[] {
  return boot.steps.map(({ event }) => event);
}

/** What the console said last of these. */
export function lastOf(situation: Situation, ...markers: readonly Marker[]): ConsoleEvent | undefined {
  return eventsOf(situation).findLast((event): event is ConsoleEvent => isMarker(event, ...markers));
}

/** The console's last line, whatever it is: a sentence, with a blank in front. */
export function lastLine(situation: Situation): string {
  const last = eventsOf(situation).findLast((event) => event.event === 'console');
  return last === undefined ? '' : ` The last line on its console: ${last.line}`;
}

function hostOf(client: string): string {
  return client.replace(/:\d{1,5}$/, '').replace(/^\[(.*)\]$/, '$1');
}

/** Whether it is the board that asked: others may have its address, but no other address is the board's. */
export function isOfBoard({ client }: { readonly client: string }, situation: Situation): boolean {
  const known = eventsOf(situation).flatMap((event) => {
    return event.event === 'tftp' && !event.stranger ? [hostOf(event.client)] : [];
  });
  return known.length === 0 || known.includes(hostOf(client));
}

/** What NFS servers noted of the board, the last event first. */
export function nfsEvents(situation: Situation): NfsEvent[] {
  const events = eventsOf(situation).filter(
    (event): event is NfsEvent => 'client' in event && event.event !== 'tftp' && isOfBoard(event, situation),
  );
  return events.reverse();
}

/** Milliseconds after which a board that says nothing is not on its way any more. */
const SILENCE = 15_000;

/** Whether something came so lately that more is to be expected. */
export function isFresh(situation: Situation): boolean {
  const last = situation.boot.steps.at(-1)?.event.time ?? 0;
  return Math.abs(situation.now - last) < SILENCE;
}

/** Whether a console was connected long enough after the last sign to say that there was none. */
export function wasHeardOut({ boot, watchedUntil }: Situation): boolean {
  return watchedUntil >= (boot.steps.at(-1)?.event.time ?? 0) + SILENCE;
}
