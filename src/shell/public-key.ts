/** Reads the public key that somebody hands in. Apart from authorized-keys.ts because it loads ssh2. */
import { createPublicKey } from 'node:crypto';
import ssh2 from 'ssh2';
import { type PublicKey, typeInBlob } from './authorized-keys.ts';
import { CommandError, ExitCode } from './errors.ts';

/** An RSA key of 16384 bits, the most that OpenSSH knows, has 2800 bytes of base64. */
const MAX_INPUT = 16 * 1024;
const MAX_COMMENT = 200;
/** OpenSSH's RequiredRSASize. */
const MIN_RSA_BITS = 1024;

function refuse(message: string): CommandError {
  return new CommandError(message, ExitCode.usage);
}

/** The fields of a blob (RFC 4251 §5, string), or undefined if they do not fill it exactly. */
function blobFields(base64: string): readonly Buffer[] | undefined {
  const blob = Buffer.from(base64, 'base64');
  const fields: Buffer[] = [];
  for (let at = 0; at < blob.length; ) {
    if (blob.length - at < 4) return undefined;
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) return undefined;
    fields.push(blob.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

/** OpenSSH's PROTOCOL.u2f, which ssh2 does not know: fields of a security key's blob. */
const securityKeys: Readonly<Record<string, (fields: readonly Buffer[]) => boolean>> = {
  'sk-ssh-ed25519@openssh.com': (fields) => fields.length === 3 && fields[1]?.length === 32,
  'sk-ecdsa-sha2-nistp256@openssh.com': (fields) =>
    fields.length === 4 && fields[1]?.toString('latin1') === 'nistp256' && fields[2]?.length === 65,
};

function isSound(type: string, base64: string): boolean {
  const fields = blobFields(base64);
  if (!fields || typeInBlob(base64) !== type) return false;
  const securityKey = Object.hasOwn(securityKeys, type) ? securityKeys[type] : undefined;
  if (securityKey) return securityKey(fields);
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
  if (line === undefined) throw refuse('expected a public key on standard input');
  if (lines.length > 1) throw refuse('expected one public key, on one line');
  const [type = '', blob = '', ...comment] = line.trim().split(/[ \t]+/);
  if (/-cert-v\d+@openssh\.com$/.test(type))
    throw refuse('certificates are not accepted, send the public key');
  if (type === 'ssh-dss') throw refuse('DSA keys are not accepted');
  if (!isSound(type, blob)) throw refuse('not a valid public key: expected TYPE BASE64 [COMMENT]');
  return { type, blob, comment: cleanComment(comment.join(' ')) };
}
