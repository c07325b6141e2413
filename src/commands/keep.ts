/** Keeps the board on for a while when everybody has left, where it would be switched off then. */
import type { LockedCommand } from '../shell/command.ts';
import { CommandError, ExitCode, systemRefusal } from '../shell/errors.ts';
import { endKeep, MAX_KEEP_SECONDS, writeKeep } from '../shell/keep.ts';
import { writeOut } from '../shell/output.ts';
import { localTime } from '../shell/text.ts';

function parseSeconds(args: readonly string[]): number {
  const [text = ''] = args;
  const seconds = Number(text);
  if (args.length === 1 && /^\d{1,6}$/.test(text) && seconds <= MAX_KEEP_SECONDS) return seconds;
  const message = `Usage: keep SECONDS, a whole number up to ${MAX_KEEP_SECONDS}; 0 ends it`;
  throw new CommandError(message, ExitCode.usage);
}

export const keep: LockedCommand = {
  prepare({ home, user = null, env }, args) {
    const seconds = parseSeconds(args);
    return () => {
      try {
        if (seconds === 0) {
          endKeep(home);
          writeOut('The board is not kept on.\n');
        } else {
          const until = new Date(Date.now() + seconds * 1000);
          writeKeep(home, { user, until });
          writeOut(`The board is kept on until ${localTime(until)}.\n`);
        }
      } catch (error) {
        throw systemRefusal('keep', error);
      }
      return { file: '/bin/true', args: ['true'], env };
    };
  },
};
