/** Lets a user in with a public key. */
import fs from 'node:fs';
import { isatty } from 'node:tty';
import { addUserKey, fingerprint } from '../shell/authorized-keys.ts';
import type { Session } from '../shell/command.ts';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { recordAdministration } from '../shell/journal.ts';
import { updateKeyFile } from '../shell/key-file.ts';
import { writeError, writeOut } from '../shell/output.ts';
import { parsePublicKey } from '../shell/public-key.ts';
import { USER_NAME } from '../shell/request.ts';
import { setBlocking } from '../system/descriptors.ts';

/** The largest RSA key that sshd takes (16384 bits) has below 3 KiB. */
const MAX_BYTES = 16 * 1024;

function readSome(buffer: Buffer, offset: number): number {
  try {
    return fs.readSync(0, buffer, offset, buffer.length - offset, null);
  } catch (error) {
    throw new CommandError(`Cannot read the key: ${(error as Error).message}`, ExitCode.failed, {
      cause: error,
    });
  }
}

/** Standard input to its end. */
function readInput(): Buffer {
  if (isatty(0)) writeError('Paste the public key, then press Enter and Ctrl-D:\n');
  setBlocking(0);
  const buffer = Buffer.alloc(MAX_BYTES + 1);
  let length = 0;
  for (;;) {
    const count = readSome(buffer, length);
    length += count;
    if (length > MAX_BYTES) throw new CommandError('That is too long for a public key', ExitCode.usage);
    if (count === 0) return buffer.subarray(0, length);
  }
}

export function run(session: Session, args: readonly string[]): void {
  const [user, right, ...rest] = args;
  if (user === undefined)
    throw new CommandError('Usage: ssh ... add-key NAME [admin] < KEY.pub', ExitCode.usage);
  if (rest.length > 0 || (right !== undefined && right !== 'admin')) {
    throw new CommandError(`User name must not contain spaces: ${args.join(' ')}`, ExitCode.usage);
  }
  if (!USER_NAME.test(user)) {
    throw new CommandError(`User name must consist of letters, digits and _.-: ${user}`, ExitCode.usage);
  }
  const key = parsePublicKey(readInput());
  const admin = right === 'admin';
  let changed = false;
  updateKeyFile(session.home, (old) => {
    const result = addUserKey(old, { user, admin, key });
    changed = result.changed;
    return result.file;
  });
  if (changed) recordAdministration(session, `add-key ${args.join(' ')}`);
  writeOut(`${changed ? 'Added' : 'Known already:'} ${key.type} ${fingerprint(key)} for ${args.join(' ')}\n`);
}
