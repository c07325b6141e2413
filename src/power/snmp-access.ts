/** Who we are for an SNMP agent, in words of snmp.conf(5): that way no password is an argument that others can see. */
import { badSpec } from './errors.ts';

const AUTH_TYPES = ['MD5', 'SHA', 'SHA-224', 'SHA-256', 'SHA-384', 'SHA-512'];
const PRIV_TYPES = ['DES', 'AES', 'AES-192', 'AES-256'];

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** TYPE:PASSPHRASE of at least 8 characters (RFC 3414 §11.2). */
function passphrase(name: 'auth' | 'priv', value: string, types: readonly string[]): [string, string] {
  const [, type = '', secret = ''] = /^([^:]*):(.*)$/.exec(value) ?? [];
  if (types.includes(type) && secret.length >= 8) return [type, secret];
  throw badSpec(
    `snmp: ${name}= is TYPE:PASSPHRASE with ${types.join(', ')} and a passphrase of 8 characters or more`,
  );
}

function userLines(user: string, auth: string | undefined, priv: string | undefined): string[] {
  const lines = ['defVersion 3', `defSecurityName ${quoted(user)}`];
  if (auth === undefined) {
    if (priv !== undefined) throw badSpec('snmp: priv= needs auth=');
    return [...lines, 'defSecurityLevel noAuthNoPriv'];
  }
  const [authType, authSecret] = passphrase('auth', auth, AUTH_TYPES);
  lines.push(`defAuthType ${authType}`, `defAuthPassphrase ${quoted(authSecret)}`);
  if (priv === undefined) return [...lines, 'defSecurityLevel authNoPriv'];
  const [privType, privSecret] = passphrase('priv', priv, PRIV_TYPES);
  lines.push(`defPrivType ${privType}`, `defPrivPassphrase ${quoted(privSecret)}`);
  return [...lines, 'defSecurityLevel authPriv'];
}

/**
 * From community=, version=, user=, auth= and priv=. Undefined without any: then ~/.snmp/snmp.conf and
 * /etc/snmp/snmp.conf say it.
 */
export function accessLines(options: ReadonlyMap<string, string>): string | undefined {
  const [community, version, user] = ['community', 'version', 'user'].map((name) => options.get(name));
  if (options.size === 0) return undefined;
  if (user !== undefined) {
    if (community !== undefined || version !== undefined)
      throw badSpec('snmp: user= is SNMPv3, without community=');
    return userLines(user, options.get('auth'), options.get('priv')).join('\n');
  }
  if (community === undefined || options.has('auth') || options.has('priv')) {
    throw badSpec('snmp: give community=, or user= with auth=, or nothing of it');
  }
  if (version !== undefined && version !== '1' && version !== '2c')
    throw badSpec('snmp: version= is 1 or 2c');
  return `defVersion ${version ?? '2c'}\ndefCommunity ${quoted(community)}`;
}
