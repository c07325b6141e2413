/** Public keys whose blobs tell by their fields alone whether they are keys: no numbers that have to fit together. */
import { typeInBlob } from './authorized-keys.ts';

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

/** RFC 8709 §4, and OpenSSH's PROTOCOL.u2f, whose keys ssh2 does not know. */
const SIMPLE: Readonly<Record<string, (fields: readonly Buffer[]) => boolean>> = {
  'ssh-ed25519': (fields) => fields.length === 2 && fields[1]?.length === 32,
  'sk-ssh-ed25519@openssh.com': (fields) => fields.length === 3 && fields[1]?.length === 32,
  'sk-ecdsa-sha2-nistp256@openssh.com': (fields) =>
    fields.length === 4 && fields[1]?.toString('latin1') === 'nistp256' && fields[2]?.length === 65,
};

/** Whether it is a key; undefined where OpenSSL has to tell. */
export function isSimpleKey(type: string, base64: string): boolean | undefined {
  const fields = blobFields(base64);
  if (!fields || typeInBlob(base64) !== type) return false;
  return Object.hasOwn(SIMPLE, type) ? SIMPLE[type]?.(fields) : undefined;
}
