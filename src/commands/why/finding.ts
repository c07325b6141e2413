/** What is wrong with a boot, and what is known besides its events. */
import { duration } from '../../shell/text.ts';
import type { Boot } from './boot.ts';
import { type BootEvent, type ConsoleEvent, hostOf, isMarker, type NfsEvent } from './event.ts';
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
  /** When the console last showed something, in milliseconds since 1970: a line may take minutes. */
  readonly heardUntil: number;
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
  return last === undefined ? '' : ` The last line on its console: ${last.line.trim()}`;
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

/** When the board last showed that it lives, in milliseconds since 1970. */
export function lastSign({ boot, heardUntil }: Situation): number {
  return Math.max(boot.steps.at(-1)?.event.time ?? 0, heardUntil);
}

/** Whether something came so lately that more is to be expected. */
export function isFresh(situation: Situation): boolean {
  return Math.abs(situation.now - lastSign(situation)) < SILENCE;
}

/** Whether a console was connected long enough after the last sign to say that there was none. */
export function wasHeardOut(situation: Situation): boolean {
  return situation.watchedUntil >= lastSign(situation) + SILENCE;
}

/** It is on its way: whatever went wrong before has not stopped it. */
export function booting(situation: Situation): Finding {
  const ago = duration((situation.now - lastSign(situation)) / 1000);
  return {
    verdict: 'booting',
    why: `The board is booting: the last sign of it came ${ago} ago.`,
    advice: ['Ask again in some seconds.'],
  };
}

/**
 * Other boot loaders and systems than those of markers.ts say what they like. So do programs on the line.
 *
 * @param before what is known: a sentence, with a blank behind it
 * @returns undefined unless such a text is the last of the console
 */
export function otherFinding(before: string, situation: Situation): Finding | undefined {
  const last = eventsOf(situation).findLast((event) => event.event === 'console');
  if (last === undefined || !isMarker(last, 'other', 'garbage')) return undefined;
  if (isFresh(situation)) return booting(situation);
  if (last.marker === 'garbage') {
    return {
      verdict: 'unreadable',
      why: `${before}The console shows something, but no readable text.`,
      advice: [
        'Most likely the speed of the line is not that of the board: the administrator corrects it in ~/.novaboot-shell.',
        'If it is right: the ground of the console cable, or the voltage of its adapter.',
      ],
    };
  }
  return {
    verdict: 'unknown-text',
    why: `${before}The console shows text that is not known here.${lastLine(situation)}`,
    advice: [
      'If that is the system that the board is to run, it runs; this command knows boot loaders and Linux only.',
      READ_LOG,
    ],
  };
}
