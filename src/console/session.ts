/** A user at a board's console: bytes both ways, the escape key, and every way in which it ends. */
import { constants } from 'node:os';
import { CommandError } from '../shell/errors.ts';
import { printable } from '../shell/text.ts';
import { ESCAPE_HELP, EscapeKey, type Input } from './escape.ts';
import type { Line } from './line.ts';
import type { ConsoleLog } from './log-writer.ts';
import type { UserTerminal } from './user-terminal.ts';

/** So much may wait for a line that takes nothing (rtscts, and the board is off) before the escape key is not read. */
const MAX_TYPED_AHEAD = 1024 * 1024;
/** What the board said last is worth waiting so long for a slow reader. */
const LAST_WORDS_MS = 1000;
/** As if SIGPIPE had ended the console. */
const READER_GONE = 128 + constants.signals.SIGPIPE;

export interface ConsoleSession {
  readonly line: Line;
  readonly user: UserTerminal;
  readonly log: ConsoleLog;
  /** Runs beside; where it fails, its exit status is the console's. */
  readonly powerOn: () => Promise<number>;
}

function passOutput({ line, user, log }: ConsoleSession): void {
  line.stream.on('data', (bytes: Buffer) => {
    log.write(bytes);
    if (user.output.write(bytes)) return;
    line.stream.pause();
    user.output.once('drain', () => line.stream.resume());
  });
}

function passInput(
  { line, user }: ConsoleSession,
  onWish: (wish: Exclude<Input['type'], 'bytes'>) => void,
): void {
  const key = new EscapeKey();
  const room = user.isTerminal ? MAX_TYPED_AHEAD : 0;
  user.input.on('data', (chunk: Buffer) => {
    const parts: Input[] = user.isTerminal ? key.split(chunk) : [{ type: 'bytes', bytes: chunk }];
    for (const part of parts) {
      if (part.type !== 'bytes') onWish(part.type);
      else if (!line.stream.write(part.bytes) && line.stream.writableLength > room) {
        user.input.pause();
        line.stream.once('drain', () => user.input.resume());
      }
    }
  });
}

async function sendBreak({ line, user }: ConsoleSession): Promise<void> {
  try {
    await line.sendBreak();
    user.say('novaboot-shell: Break sent\n');
  } catch (error) {
    user.say(`novaboot-shell: ${printable((error as Error).message)}\n`);
  }
}

/** Until what has been written is read, but not for long. */
async function lastWords({ output }: UserTerminal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, LAST_WORDS_MS);
  output.once('error', () => resolve());
  output.end(resolve);
  await promise;
  clearTimeout(timer);
}

/** Passes bytes until the user leaves or reads no more. @throws CommandError when the line is gone */
async function passBytes(session: ConsoleSession): Promise<number> {
  const { line, user } = session;
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  user.output.on('error', () => resolve(READER_GONE));
  const onGone = (error?: NodeJS.ErrnoException) => {
    const why = error ? ` (${error.code ?? error.message})` : '';
    reject(new CommandError(`${line.name} is gone${why}${line.ifGone}`));
  };
  line.stream.on('error', onGone);
  line.stream.once('end', () => onGone());
  line.stream.once('close', () => onGone());
  passOutput(session);
  passInput(session, (wish) => {
    if (wish === 'leave') resolve(0);
    else if (wish === 'help') user.say(`\n${ESCAPE_HELP}`);
    else void sendBreak(session);
  });
  return await promise;
}

/**
 * Nobody else gets the board while it is being powered on: that is waited for.
 *
 * @returns the exit status
 * @throws CommandError where the line is gone
 */
export async function runSession(session: ConsoleSession): Promise<number> {
  const passing = passBytes(session);
  const power = session.powerOn();
  let isPowering = true;
  const settled = power
    .catch(() => {})
    .then(() => {
      isPowering = false;
    });
  try {
    const failure = power.then((status) => (status === 0 ? passing : status));
    return await Promise.race([passing, failure]);
  } catch (error) {
    if (session.user.isTerminal) session.user.say('\n');
    throw error;
  } finally {
    if (isPowering) session.user.say('novaboot-shell: The console ends once the board has been powered on\n');
    await settled;
    await lastWords(session.user);
  }
}
