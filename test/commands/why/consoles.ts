/** What consoles show, as events of a boot, and what is known besides. */
import fs from 'node:fs';
import path from 'node:path';
import { type Boot, inOrder, lastBoot } from '../../../src/commands/why/boot.ts';
import { consoleEvents } from '../../../src/commands/why/console-events.ts';
import { diagnose } from '../../../src/commands/why/diagnosis.ts';
import type { BootEvent } from '../../../src/commands/why/event.ts';
import type { Finding, Situation } from '../../../src/commands/why/finding.ts';
import type { ConsoleEntry } from '../../../src/console/log-lines.ts';

const CAPTURES = path.resolve(import.meta.dirname, '../../captures/consoles');
/** 2026-11-21T10:00:00Z */
export const BEGIN = 1_795_255_200_000;
/** Between two lines. */
const LINE_MS = 10;
const MINUTE_MS = 60_000;

/** What the virtual board showed, from U-Boot's banner on; test/captures/consoles. */
export function recorded(name: string): Buffer {
  return fs.readFileSync(path.join(CAPTURES, `${name}.txt`));
}

/** Lines that come one after the other, from a second after BEGIN on. */
export function consoleOf(text: string | Buffer, from = BEGIN + 1000): BootEvent[] {
  const lines = text.toString('latin1').split('\n');
  if (lines.at(-1) === '') lines.pop();
  const entries = lines.map((line, index): ConsoleEntry => {
    const bytes = Buffer.from(line.replace(/\r+$/, ''), 'latin1');
    return { type: 'line', time: new Date(from + index * LINE_MS), text: bytes };
  });
  return [...consoleEvents(entries)];
}

/** Seconds after BEGIN. */
export function at(seconds: number): number {
  return BEGIN + seconds * 1000;
}

export const RESET: BootEvent = { event: 'power', time: BEGIN, action: 'reset', user: 'alice', status: 0 };
export const ROOT = '/home/board/nfsroot/alice/root';

export function bootOf(...events: readonly BootEvent[]): Boot {
  return lastBoot(inOrder(events, []));
}

/** A minute after the last event, with nothing amiss. */
export function situationOf(events: readonly BootEvent[], more: Partial<Situation> = {}): Situation {
  const boot = bootOf(...events);
  return {
    boot,
    now: (boot.steps.at(-1)?.event.time ?? BEGIN) + MINUTE_MS,
    user: 'alice',
    holder: 'alice',
    files: ['Image', 'initramfs.cpio.gz'],
    servers: [{ user: 'alice', exported: ROOT, port: 28885 }],
    consoleLog: 'watched',
    watchedUntil: Number.POSITIVE_INFINITY,
    heardUntil: 0,
    tftpJournal: true,
    ...more,
  };
}

export function findingOf(events: readonly BootEvent[], more: Partial<Situation> = {}): Finding {
  return diagnose(situationOf(events, more));
}
