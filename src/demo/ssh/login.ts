/** Who may log in: the board's authorized_keys, read anew at each login, understood as strictly as possible. */
import type { AuthorizedLine } from '../../shell/authorized-keys.ts';
import { parseAuthorizedKeys } from '../../shell/authorized-keys.ts';

/** What a key may do. */
export interface Login {
  readonly user: string;
  /** The forced command: what the login shell gets behind `-c`. */
  readonly command: string;
  readonly terminal: boolean;
  /** `TYPE BASE64`, to check signatures with. */
  readonly key: string;
}

/** Options we obey, or that forbid what we never do. A key with any other is refused, not misunderstood. */
const KNOWN_OPTIONS: ReadonlySet<string> = new Set([
  'restrict',
  'command',
  'pty',
  'no-pty',
  'no-port-forwarding',
  'no-agent-forwarding',
  'no-x11-forwarding',
  'no-user-rc',
]);

function understand({ key, options, user, admin }: AuthorizedLine): Login | undefined {
  if (!key || user === undefined || !options) return undefined;
  let terminal = true;
  for (const { name, value } of options) {
    if (!KNOWN_OPTIONS.has(name) || (value !== undefined) !== (name === 'command')) return undefined;
    if (name === 'restrict' || name === 'no-pty') terminal = false;
    if (name === 'pty') terminal = true;
  }
  return { user, command: `user ${user}${admin ? ' admin' : ''}`, terminal, key: `${key.type} ${key.blob}` };
}

/** The first entry with that key which we understand, as with sshd. */
export function findLogin(authorizedKeys: Buffer, blob: Buffer): Login | undefined {
  const wanted = blob.toString('base64');
  for (const line of parseAuthorizedKeys(authorizedKeys)) {
    const login = line.key?.blob === wanted ? understand(line) : undefined;
    if (login) return login;
  }
  return undefined;
}
