/** Removes the keys of a user. */
import { fingerprint, listUserKeys, removeUserKeys } from '../shell/authorized-keys.ts';
import type { Session } from '../shell/command.ts';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { recordAdministration } from '../shell/journal.ts';
import { updateKeyFile } from '../shell/key-file.ts';
import { writeOut } from '../shell/output.ts';

export function run(session: Session, args: readonly string[]): void {
  const [user] = args;
  if (user === undefined || args.length > 1) throw new CommandError('Usage: remove-key NAME', ExitCode.usage);
  let removed: ReturnType<typeof listUserKeys> = [];
  updateKeyFile(session.home, (old) => {
    const result = removeUserKeys(old, user);
    if (result.removed.length === 0) throw new CommandError(`No key of user ${user}; see list-keys`);
    if (!listUserKeys(result.file).some(({ admin }) => admin)) {
      throw new CommandError('No administrator would be left; add another one first');
    }
    removed = result.removed;
    return result.file;
  });
  recordAdministration(session, `remove-key ${user}`);
  for (const { key } of removed) writeOut(`Removed ${key.type} ${fingerprint(key)} of ${user}\n`);
}
