/** What was asked for: from argv and SSH_ORIGINAL_COMMAND to a user and words. Evaluates nothing. */
import { CommandError, ExitCode } from './errors.ts';

/** Longer commands are refused; rsync's are below 300 bytes. */
const MAX_COMMAND_BYTES = 32 * 1024;

/** What existing accounts have in authorized_keys: also an address, as in `user alice@laptop`. */
export const KNOWN_USER_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,63}$/;

/** A new user, as in the forced command `user NAME`. Safe as a file name and in a table. */
export const USER_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;

/** First argument of a process that waits. sshd(8) starts login shells with `-c` or nothing: no client can say it. */
export const WAITER = '--waiting';

/** How long to wait for a board that somebody else uses: seconds, 0 for not at all. */
export type Wait = number | 'forever';

export interface Request {
  readonly user: string | undefined;
  readonly admin: boolean;
  /** The command's name and its arguments; none for the default command. */
  readonly words: readonly string[];
  readonly wait: Wait;
}

/** The request of a systemd unit of the power-off chain. */
export interface UnitRequest {
  readonly unit: 'on' | 'off';
}

/**
 * Splits at blanks. There is no quoting, as in the unquoted expansion of a shell variable, and no globbing.
 *
 * @throws CommandError for control bytes, bytes that are not UTF-8, and commands over 32 KiB
 */
export function splitWords(command: string): string[] {
  if (Buffer.byteLength(command) > MAX_COMMAND_BYTES) {
    throw new CommandError(`The command is longer than ${MAX_COMMAND_BYTES} bytes`, ExitCode.usage);
  }
  if (/[\0-\x08\x0a-\x1f\x7f-\x9f\ufffd]/.test(command)) {
    throw new CommandError(
      'The command contains control characters or bytes that are not UTF-8',
      ExitCode.usage,
    );
  }
  return command.split(/[ \t]+/).filter((word) => word !== '');
}

function takeUser(words: readonly string[], env: NodeJS.ProcessEnv) {
  if (words[0] !== 'user') return { user: undefined, admin: false, words };
  const name = words[1];
  if (name === undefined || !KNOWN_USER_NAME.test(name)) {
    throw new CommandError(
      'The forced command in authorized_keys must be "user NAME" or "user NAME admin", NAME of letters, digits and _.@+-',
      ExitCode.notAllowed,
    );
  }
  return { user: name, admin: words[2] === 'admin', words: splitWords(env.SSH_ORIGINAL_COMMAND ?? '') };
}

const MAX_WAIT_SECONDS = 7 * 24 * 3600;

function parseSeconds(text: string | undefined): number {
  const seconds = text !== undefined && /^\d{1,6}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds <= MAX_WAIT_SECONDS)) {
    throw new CommandError('Usage: --wait SECONDS COMMAND, SECONDS a number up to 604800', ExitCode.usage);
  }
  return seconds;
}

/** Takes --wait or --no-wait from the front. */
function takeWait(words: readonly string[]): { wait?: Wait; words: readonly string[] } {
  const [first, second] = words;
  if (first === '--no-wait') return { wait: 0, words: words.slice(1) };
  if (first === '--wait') return { wait: parseSeconds(second), words: words.slice(2) };
  if (first?.startsWith('--wait=')) return { wait: parseSeconds(first.slice(7)), words: words.slice(1) };
  return { words };
}

/** Options stand before the command, where ssh(1) wants `--` in front of them, or behind its name. */
function takeOptions(words: readonly string[]): { wait: Wait; words: readonly string[] } {
  const [first = ''] = words;
  if (first === '--version' || first === '--help') return { wait: 'forever', words: [first.slice(2)] };
  const before = takeWait(words);
  const [name, ...args] = before.words;
  if (name === undefined) return { wait: 'forever', ...before };
  const behind = takeWait(args);
  return { wait: behind.wait ?? before.wait ?? 'forever', words: [name, ...behind.words] };
}

/**
 * @param argv what follows the program's name, as sshd(8) or systemd gave it
 * @param parent the parent's process id
 * @throws CommandError
 */
export function parseRequest(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  parent: number,
): Request | UnitRequest {
  const [option, command = ''] = argv;
  if (option === undefined || (option === '-c' && argv.length <= 2)) {
    const { user, admin, words } = takeUser(splitWords(command), env);
    return { user, admin, ...takeOptions(words) };
  }
  if (argv.length === 1) {
    if ((option === 'on' || option === 'off') && parent === 1 && env.SSH_CONNECTION === undefined) {
      return { unit: option };
    }
    if (option === '--version' || option === '--help') {
      return { user: undefined, admin: false, words: [option.slice(2)], wait: 'forever' };
    }
  }
  throw new CommandError('Permission denied', ExitCode.notAllowed);
}
