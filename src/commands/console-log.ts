/** Shows what boards said on their console, to everybody who may use them. */
import { parseArgs } from 'node:util';
import { LogDisplay } from '../console/log-display.ts';
import { consoleDirectory, hasConsoleLog } from '../console/log-files.ts';
import { findPosition, type Range } from '../console/log-position.ts';
import { LogReader, type Piece } from '../console/log-reader.ts';
import { parseSince } from '../console/log-since.ts';
import { watchLog } from '../console/log-watch.ts';
import { usage } from '../shell/arguments.ts';
import type { CommandTable, Session } from '../shell/command.ts';
import { CommandError, ExitCode, systemRefusal } from '../shell/errors.ts';
import { endWithParent, whenAbandoned } from '../shell/lock.ts';
import { writeError, writeOut } from '../shell/output.ts';
import { report } from '../shell/run.ts';
import { exitNow } from '../system/process.ts';

/** Lines that -f begins with. */
const LAST = 10;
/** Characters that are written together. */
const TOGETHER = 65536;

interface Options extends Range {
  readonly follow: boolean;
  readonly raw: boolean;
}

function parseWords(args: readonly string[], table: CommandTable) {
  const options = {
    follow: { type: 'boolean', short: 'f', default: false },
    lines: { type: 'string', short: 'n' },
    since: { type: 'string' },
    raw: { type: 'boolean', default: false },
  } as const;
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch {
    throw usage('console-log', table);
  }
}

function parseOptions(args: readonly string[], table: CommandTable): Options {
  const { follow, lines, since, raw } = parseWords(args, table);
  if (lines !== undefined && !/^\d{1,9}$/.test(lines)) {
    throw new CommandError(`console-log: -n ${lines}: a number of lines is expected`, ExitCode.usage);
  }
  const time = since === undefined ? undefined : parseSince(since, new Date());
  if (since !== undefined && time === undefined) {
    const forms = 'a time is like 10m, 14:30, 2026-11-21 or 2026-11-21T14:30:00';
    throw new CommandError(`console-log: --since ${since}: ${forms}`, ExitCode.usage);
  }
  const isShort = follow && lines === undefined && time === undefined;
  const last = isShort ? LAST : lines === undefined ? undefined : Number(lines);
  return { follow, raw, last, since: time };
}

/** Writes what has not been written yet. @param shown gives a piece the form that the user wants */
function writeNews(reader: LogReader, shown: (piece: Piece) => Buffer): void {
  let together: Buffer[] = [];
  let length = 0;
  for (const piece of reader.read()) {
    const bytes = shown(piece);
    together.push(bytes);
    length += bytes.length;
    if (length < TOGETHER) continue;
    if (!writeOut(Buffer.concat(together))) return;
    together = [];
    length = 0;
  }
  writeOut(Buffer.concat(together));
}

/** Until the connection ends. */
async function follow(directory: string, parent: number, write: () => void): Promise<void> {
  endWithParent(parent);
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const stop = watchLog(directory, () => {
    try {
      write();
    } catch (error) {
      reject(error);
    }
  });
  try {
    await Promise.race([failed, whenAbandoned()]);
  } finally {
    stop();
  }
}

async function show(session: Session, options: Options): Promise<void> {
  const directory = consoleDirectory(session.home);
  if (!hasConsoleLog(session.home)) {
    const message = `No console has been logged yet; that needs console=... or console_log=yes in ${session.configPath}`;
    if (!options.follow) throw new CommandError(message, ExitCode.notConfigured);
    writeError(`novaboot-shell: ${message}\n`);
  }
  const reader = new LogReader(directory, findPosition(directory, options));
  const display = new LogDisplay();
  const shown = options.raw
    ? ({ bytes }: Piece) => bytes
    : (piece: Piece) => Buffer.from(display.show(piece));
  const write = () => writeNews(reader, shown);
  if (options.follow) return await follow(directory, session.parent, write);
  write();
  if (!options.raw) writeOut(display.end());
}

export async function run(session: Session, args: readonly string[], table: CommandTable): Promise<void> {
  const options = parseOptions(args, table);
  try {
    await show(session, options);
  } catch (error) {
    const told = systemRefusal('console-log', error);
    if (!options.follow) throw told;
    // Node would wait for the thread that looks whether the connection ends.
    exitNow(await report(told));
  }
}
