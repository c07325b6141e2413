/** Reads the public key that somebody hands in. Apart from authorized-keys.ts because it loads ssh2. */
import { createPublicKey } from 'node:crypto';
import ssh2 from 'ssh2';
import type { PublicKey } from './authorized-keys.ts';
import { CommandError, ExitCode } from './errors.ts';
import { isSimpleKey } from './key-blob.ts';

/** An RSA key of 16384 bits, the most that OpenSSH knows, has 2800 bytes of base64. */
const MAX_INPUT = 16 * 1024;
const MAX_COMMENT = 200;
/** OpenSSH's RequiredRSASize. */
const MIN_RSA_BITS = 1024;

function refuse(message: string): CommandError {
  return new CommandError(message, ExitCode.usage);
}

function isSound(type: string, base64: string): boolean {
  const simple = isSimpleKey(type, base64);
  if (simple !== undefined) return simple;
  const key = ssh2.utils.parseKey(`${type} ${base64}`);
  if (key instanceof Error || key.isPrivateKey() || key.type !== type) return false;
  if (key.getPublicSSH().toString('base64') !== base64) return false;
  try {
    // ssh2 takes any numbers; OpenSSL checks that they are a key.
    const { modulusLength } = createPublicKey(key.getPublicPEM()).asymmetricKeyDetails ?? {};
    return modulusLength === undefined || modulusLength >= MIN_RSA_BITS;
  } catch {
    return false;
  }
}

/** Text for a line of a file: no control characters, not too long. */
function cleanComment(comment: string): string {
  return comment
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')
    .slice(0, MAX_COMMENT)
    .trim();
}

/** A single public key in OpenSSH's format, one line. Throws a CommandError that says what is wrong with it. */
export function parsePublicKey(input: Buffer): PublicKey {
  if (input.length > MAX_INPUT) throw refuse('expected one public key, got too much input');
  const text = input.toString();
  if (/PRIVATE KEY|PuTTY-User-Key-File/.test(text)) {
    throw refuse('this is a private key: keep it, and send the public one (the .pub file)');
  }
  const lines = text.split(/[\r\n]+/).filter((line) => line.trim() !== '');
  const [line] = lines;
  if (line === undefined) throw refuse('expected a public key, got nothing');
  if (lines.length > 1) throw refuse('expected one public key, on one line');
  const [type = '', blob = '', ...comment] = line.trim().split(/[ \t]+/);
  if (/-cert-v\d+@openssh\.com$/.test(type))
    throw refuse('certificates are not accepted, send the public key');
  if (type === 'ssh-dss') throw refuse('DSA keys are not accepted');
  if (!isSound(type, blob)) throw refuse('not a valid public key: expected TYPE BASE64 [COMMENT]');
  return { type, blob, comment: cleanComment(comment.join(' ')) };
}
