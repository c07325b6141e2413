/** What a request says of who sends it: Basic (RFC 7617) and Digest (RFC 7616) authentication. */

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** Digest algorithms and Node's names for them; no name in a challenge means MD5. */
const HASHES: Readonly<Record<string, string>> = {
  md5: 'md5',
  'sha-256': 'sha256',
  'sha-512-256': 'sha512-256',
};

/** Characters of a challenge that are looked at. */
const HEADER_LIMIT = 2048;

/** The parameters of a challenge: name=token or name="quoted". */
function parameters(challenge: string): Map<string, string> {
  const pairs = challenge.matchAll(/([a-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))/gi);
  return new Map(
    [...pairs].map(([, name = '', quoted, token = '']) => [
      name.toLowerCase(),
      quoted?.replaceAll(/\\(.)/g, '$1') ?? token,
    ]),
  );
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

function digest(
  challenge: Map<string, string>,
  { user, password }: Credentials,
  method: string,
  uri: string,
) {
  const algorithm = challenge.get('algorithm') ?? 'MD5';
  const hash = HASHES[algorithm.toLowerCase()];
  const { realm, nonce, qop } = Object.fromEntries(challenge);
  if (hash === undefined || realm === undefined || nonce === undefined) return undefined;
  // Loaded when it is wanted: most devices on a lab's network ask for no password.
  const { createHash, randomBytes } = process.getBuiltinModule('node:crypto');
  const hashed = (...parts: string[]) => createHash(hash).update(parts.join(':')).digest('hex');
  const secret = hashed(user, realm, password);
  const request = hashed(method, uri);
  const fields = [`username=${quoted(user)}`, `realm=${quoted(realm)}`, `nonce=${quoted(nonce)}`];
  fields.push(`uri=${quoted(uri)}`, `algorithm=${algorithm}`);
  if (qop === undefined) {
    // RFC 2069, as old devices have it.
    fields.push(`response="${hashed(secret, nonce, request)}"`);
  } else {
    if (!qop.split(',').some((word) => word.trim() === 'auth')) return undefined;
    const cnonce = randomBytes(16).toString('hex');
    const response = hashed(secret, nonce, '00000001', cnonce, 'auth', request);
    fields.push('qop=auth', 'nc=00000001', `cnonce="${cnonce}"`, `response="${response}"`);
  }
  const opaque = challenge.get('opaque');
  if (opaque !== undefined) fields.push(`opaque=${quoted(opaque)}`);
  return `Digest ${fields.join(', ')}`;
}

/**
 * The Authorization header for a request that was answered by a challenge (WWW-Authenticate): Digest where it is
 * offered. Undefined for one of another kind.
 */
export function authorization(
  header: string,
  credentials: Credentials,
  method: string,
  uri: string,
): string | undefined {
  // A header may hold several challenges; each begins with a scheme's name that no "=" follows.
  const challenges = header.slice(0, HEADER_LIMIT).split(/,?\s*\b(?=(?:Basic|Digest)\s)/i);
  for (const challenge of challenges.filter((text) => /^digest\s/i.test(text))) {
    const answer = digest(parameters(challenge), credentials, method, uri);
    if (answer !== undefined) return answer;
  }
  if (!challenges.some((text) => /^basic(\s|$)/i.test(text))) return undefined;
  return `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`;
}
