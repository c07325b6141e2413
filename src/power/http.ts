/**
 * Switches that speak HTTP. Which kind it is, the path of the address says:
 *
 *     http://HOST/cm?cmnd=Power1     Tasmota
 *     http://HOST/relay/0            Shelly, first generation
 *     http://HOST/rpc/Switch?id=0    Shelly, second generation and later
 *     ON OFF [STATE]                 any other: addresses to be called, separated by blanks
 */
import type { PowerDriver } from './driver.ts';
import { badSpec } from './errors.ts';
import type { Address } from './http-request.ts';
import { plainSwitch } from './plain-http.ts';
import { shelly1Switch, shelly2Switch } from './shelly.ts';
import { tasmotaSwitch } from './tasmota.ts';

/** The kinds that one address is enough for; undefined for an address of another kind. */
const DEVICES: readonly ((address: Address) => PowerDriver | undefined)[] = [
  tasmotaSwitch,
  shelly1Switch,
  shelly2Switch,
];

/** `sha256=` and the fingerprint of a certificate, with or without colons. */
function parseFingerprint({ hash, protocol }: URL): string | undefined {
  if (hash === '') return undefined;
  const [, hex] = /^#sha256=([\da-f]{64})$/i.exec(hash.replaceAll(':', '')) ?? [];
  if (hex !== undefined && protocol === 'https:') return hex.toUpperCase().match(/../g)?.join(':');
  throw badSpec(
    'behind the # of an https address stands sha256= and the fingerprint of the certificate, or nothing',
  );
}

function parseAddress(word: string): Address {
  // The address itself is not told: it may hold a password.
  const wrong = badSpec(
    'one of the addresses is none; they are like http://HOST/PATH or http://USER:PASSWORD@HOST/PATH',
  );
  if (!URL.canParse(word)) throw wrong;
  const url = new URL(word);
  if (!/^https?:$/.test(url.protocol)) throw wrong;
  const fingerprint = parseFingerprint(url);
  let user: string;
  let password: string;
  try {
    user = decodeURIComponent(url.username);
    password = decodeURIComponent(url.password);
  } catch {
    throw wrong;
  }
  Object.assign(url, { username: '', password: '', hash: '' });
  return { url, fingerprint, credentials: user === '' ? undefined : { user, password } };
}

/** @param spec with the `http:` or `https:` in front */
export function parseHttp(spec: string): PowerDriver {
  const addresses = spec.split(/ +/).map(parseAddress);
  const [first, off, state, ...more] = addresses;
  if (first === undefined || more.length > 0)
    throw badSpec('at most three addresses: for on, for off, for the state');
  if (off !== undefined) return plainSwitch(first, off, state);
  for (const device of DEVICES) {
    const driver = device(first);
    if (driver !== undefined) return driver;
  }
  throw badSpec(
    `the address at ${first.url.host} is none of Tasmota (/cm?cmnd=Power1) or Shelly (/relay/0, /rpc/Switch?id=0); ` +
      'for another device give two, for on and for off, separated by a blank',
  );
}
