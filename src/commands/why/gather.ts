/** All that is known of the board and its last boot, from the journals, the console log and the kernel. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { consoleDirectory } from '../../console/log-files.ts';
import { type ConsoleEntry, readConsoleLines } from '../../console/log-lines.ts';
import { findPosition } from '../../console/log-position.ts';
import { LogReader } from '../../console/log-reader.ts';
import type { Session } from '../../shell/command.ts';
import { parsePlain, readConfig } from '../../shell/config.ts';
import { sessionName } from '../../shell/journal.ts';
import { readDeeds } from '../../shell/journal-reader.ts';
import { openLock } from '../../shell/lock.ts';
import { nfsPlace, nfsUsers } from '../../shell/nfs-place.ts';
import { servedPort } from '../../shell/nfs-running.ts';
import { readPowerRecords } from '../../shell/power-state.ts';
import { type Occupant, occupants } from '../../shell/queue.ts';
import { type Boot, inOrder, lastBoot } from './boot.ts';
import { consoleEvents } from './console-events.ts';
import type { TftpEvent } from './event.ts';
import type { Situation } from './finding.ts';
import { readNfs, readTftp } from './journals.ts';
import { powerEvents } from './power-events.ts';

/** Where the unit of the TFTP server keeps the boards' journals. */
const TFTP_JOURNALS = '/var/lib/novaboot-tftpd';
/** Lines of the console log that are looked at: from the begin of the boot, where it is known, and at the end. */
const MAX_LINES = 50_000;

type Settings = ReadonlyMap<string, string>;

/** A line of a file that needs a shell. Nothing runs because somebody asks: what has to be expanded stays as it is. */
function assignments(line: string): [name: string, value: string][] {
  const plain = parsePlain(line);
  if (plain !== undefined) return [...plain];
  const [, name, value = ''] = /^[ \t]*([A-Za-z_]\w*)=(.+)/.exec(line) ?? [];
  return name === undefined ? [] : [[name, value]];
}

function readSettings(file: string): Settings {
  const text = readConfig(file);
  return parsePlain(text) ?? new Map(text.split('\n').flatMap(assignments));
}

/** @returns undefined, and a note on that, if it cannot be read */
function tftpEvents(settings: Settings, notes: string[]): TftpEvent[] | undefined {
  const file = settings.get('tftp_journal') || path.join(TFTP_JOURNALS, `${os.userInfo().username}.journal`);
  try {
    const events = readTftp(file);
    // A board that has asked for nothing yet has no journal, but the directory is there.
    if (events === undefined) fs.accessSync(path.dirname(file), fs.constants.X_OK);
    return events ?? [];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    notes.push(
      `It is not known which boot files the board asked for (${file}: ${code}). The administrator sets journal= in tftpd.conf, and tftp_journal= in ~/.novaboot-shell.`,
    );
    return undefined;
  }
}

/** The configuration's own command goes before the built-in console. What was recorded counts in any case. */
function isRecorded(settings: Settings, boot: Boot): boolean {
  const isBuiltIn = Boolean(settings.get('console')) && !settings.get('console_cmd');
  const isWanted = isBuiltIn || settings.get('console_log') === 'yes';
  return isWanted || boot.steps.some(({ event }) => event.event === 'console' || event.event === 'session');
}

/** Until when a console was connected, in milliseconds; one that was killed is not known to have seen anything. */
function watchedUntil({ home }: Session, holders: readonly Occupant[]): number {
  const deeds = readDeeds(home, new Set(holders.map(({ pid }) => sessionName(pid))));
  const consoles = deeds.filter(({ command }) => command === 'console' || command === 'default');
  const ends = consoles.map(({ running, end }) => {
    if (running) return Number.POSITIVE_INFINITY;
    return end === null ? 0 : Date.parse(end);
  });
  return Math.max(0, ...ends);
}

/** When the console last showed something, in milliseconds: its last line may have begun long before. */
function heardUntil(home: string): number {
  const directory = consoleDirectory(home);
  const reader = new LogReader(directory, findPosition(directory, { last: 1 }));
  let last = 0;
  for (const { time, bytes } of reader.read()) if (bytes.length > 0) last = time.getTime();
  reader.close();
  return last;
}

function bootFiles(home: string): string[] | undefined {
  try {
    return fs.readdirSync(path.join(home, 'tftproot')).filter((name) => !name.startsWith('.'));
  } catch {
    return undefined;
  }
}

/** Boards print what they like, for days: the middle is left out. @param begin milliseconds since 1970 */
function* consoleLines(home: string, begin: number | undefined): Generator<ConsoleEntry> {
  const first = begin === undefined ? [] : readConsoleLines(home, { since: new Date(begin) });
  let [count, seen] = [0, 0];
  for (const entry of first) {
    yield entry;
    [count, seen] = [count + 1, entry.time.getTime()];
    if (count === MAX_LINES) break;
  }
  if (begin !== undefined && count < MAX_LINES) return;
  for (const entry of readConsoleLines(home, { last: MAX_LINES })) {
    if (entry.time.getTime() > seen) yield entry;
  }
}

function readBoot({ home }: Session, tftp: readonly TftpEvent[], users: readonly string[]): Boot {
  const power = powerEvents(readPowerRecords(home));
  const begin = lastBoot(power).power?.time;
  const lines = consoleLines(home, begin);
  const nfs = users.flatMap((user) => readNfs(nfsPlace(home, user).journalFile, user) ?? []);
  return lastBoot(inOrder([...power, ...tftp, ...nfs], consoleEvents(lines)));
}

/** @returns what is known, and notes on what is not @throws CommandError (78) */
export function gather(session: Session): { situation: Situation; notes: string[] } {
  const { home, lockDirectory, configPath, user } = session;
  const notes: string[] = [];
  const settings = readSettings(configPath);
  const holders = occupants(openLock(lockDirectory)).filter(({ waiting }) => !waiting);
  const users = nfsUsers(home);
  const tftp = tftpEvents(settings, notes);
  const boot = readBoot(session, tftp ?? [], users);
  const begin = boot.power?.time ?? boot.steps[0]?.event.time ?? 0;
  const until = watchedUntil(session, holders);
  const isWatched = until > begin || boot.steps.some(({ event }) => event.event === 'console');
  const consoleLog = !isRecorded(settings, boot) ? 'none' : isWatched ? 'watched' : 'unwatched';
  if (consoleLog === 'none') {
    notes.push('The console is not recorded. The administrator sets console_log=yes in ~/.novaboot-shell.');
  }
  const situation: Situation = {
    ...{ boot, user, consoleLog, watchedUntil: until, holder: holders[0]?.user },
    heardUntil: heardUntil(home),
    now: Date.now(),
    files: bootFiles(home),
    servers: users.map((name) => {
      const place = nfsPlace(home, name);
      return { user: name, exported: place.exported, port: servedPort(place) };
    }),
    tftpJournal: tftp !== undefined,
  };
  return { situation, notes };
}
