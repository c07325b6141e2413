/** A public key from a file, or from standard input. */
import fs from 'node:fs';
import type { PublicKey } from '../shell/authorized-keys.ts';
import { CommandError, ExitCode } from '../shell/errors.ts';
import { parsePublicKey } from '../shell/public-key.ts';
import { errorWords } from '../system/error-words.ts';
import { readRegularFile } from '../system/regular-file.ts';

/** The largest RSA key that sshd takes has below 3 KiB. */
const MAX_BYTES = 16 * 1024;

function readInput(): Buffer {
  const buffer = Buffer.alloc(MAX_BYTES + 1);
  for (let length = 0; length < buffer.length; ) {
    const count = fs.readSync(0, buffer, length, buffer.length - length, null);
    if (count === 0) return buffer.subarray(0, length);
    length += count;
  }
  throw Object.assign(new Error(), { code: 'EFBIG' });
}

function readSource(source: string): Buffer {
  try {
    const bytes = source === '-' ? readInput() : readRegularFile(source, MAX_BYTES);
    if (bytes !== undefined) return bytes;
  } catch (error) {
    throw new CommandError(`${source}: ${errorWords(error)}`, ExitCode.usage, { cause: error });
  }
  throw new CommandError(
    `${source}: no such file; --key takes the file of a public key, or -`,
    ExitCode.usage,
  );
}

/** @param source a file's name, or `-` @throws CommandError (64) for anything but one sound key */
export function readKey(source: string): PublicKey {
  const bytes = readSource(source);
  try {
    return parsePublicKey(bytes);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new CommandError(`${source === '-' ? 'Standard input' : source}: ${error.message}`, error.exitCode);
  }
}
