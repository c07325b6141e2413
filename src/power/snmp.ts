/**
 * Outlets of power distribution units through Net-SNMP's tools:
 *
 *     snmp:PROFILE HOST[:PORT] OUTLET [community=WORD [version=1|2c] | user=NAME [auth=TYPE:WORD [priv=TYPE:WORD]]]
 *     snmp:OID=ON/OFF HOST[:PORT] [state=OID=ON/OFF] [...]
 *
 * The second form is for what is in no profile: an object, and the INTEGERs that switch on and off.
 */
import { isIPv6 } from 'node:net';
import { CommandError } from '../shell/errors.ts';
import type { PowerDriver } from './driver.ts';
import { badSpec, shown } from './errors.ts';
import { accessLines } from './snmp-access.ts';
import { PROFILES, type SnmpProfile, sameObject } from './snmp-profiles.ts';
import { snmpAgent, snmpGet, snmpSet } from './snmp-tools.ts';

const OPTIONS = ['community', 'version', 'user', 'auth', 'priv', 'state'];

function parsePeer(word: string): { peer: string; host: string } {
  const [, v6, v4, port = '161'] =
    /^(?:\[([\da-f:.]+)\]|([a-z\d][a-z\d._-]*))(?::(\d{1,5}))?$/i.exec(word) ?? [];
  if (v4 !== undefined) return { host: v4, peer: `udp:${v4}:${port}` };
  if (v6 !== undefined && isIPv6(v6)) return { host: v6, peer: `udp6:[${v6}]:${port}` };
  throw badSpec(`snmp: "${shown(word)}" is no HOST or HOST:PORT`);
}

/** OID=ON/OFF */
function parseObject(word: string): SnmpProfile | undefined {
  const [, oid, on, off] =
    /^\.?(1(?:\.\d{1,10}){3,}|2(?:\.\d{1,10}){3,})=(-?\d{1,9})\/(-?\d{1,9})$/.exec(word) ?? [];
  return oid === undefined || on === off ? undefined : sameObject(oid, Number(on), Number(off));
}

/** The profile with the outlet in its identifiers. */
function atOutlet(profile: SnmpProfile, name: string, outlet: string): SnmpProfile {
  const [, unit = profile.unit, number] = /^(?:(\d{1,5})\.)?(\d{1,5})$/.exec(outlet) ?? [];
  const hasUnit = outlet.includes('.');
  if (number === undefined || unit === '' || (hasUnit && profile.unit === undefined)) {
    const form = { '': 'UNIT.N', undefined: 'N' }[String(profile.unit)] ?? 'N or UNIT.N';
    throw badSpec(`snmp: "${shown(outlet)}" is no outlet of ${name}; it is ${form}, as numbers`);
  }
  const at = (oid: string) => oid.replace('UNIT', unit ?? '').replace(/N$/, number);
  return {
    on: { ...profile.on, oid: at(profile.on.oid) },
    off: { ...profile.off, oid: at(profile.off.oid) },
    state: { ...profile.state, oid: at(profile.state.oid) },
  };
}

function parseOptions(words: readonly string[]): Map<string, string> {
  const options = new Map<string, string>();
  for (const word of words) {
    const [, name = '', value = ''] = /^([a-z]+)=(.+)$/.exec(word) ?? [];
    // The word itself is not told: it may hold a password.
    if (!OPTIONS.includes(name))
      throw badSpec(`snmp: options are ${OPTIONS.map((option) => `${option}=`).join(', ')}`);
    if (options.has(name)) throw badSpec(`snmp: ${name}= is given twice`);
    options.set(name, value);
  }
  return options;
}

/** The objects of the spec, and its options. */
function parseObjects(kind: string, words: readonly string[]): [SnmpProfile, Map<string, string>] {
  const object = parseObject(kind);
  const profile = object ?? (Object.hasOwn(PROFILES, kind) ? PROFILES[kind] : undefined);
  if (profile === undefined) {
    const names = Object.keys(PROFILES).join(', ');
    throw badSpec(`snmp: "${shown(kind)}" is no kind of device; there are ${names}, or OID=ON/OFF`);
  }
  if (object === undefined) {
    const options = parseOptions(words.slice(1));
    if (options.has('state')) throw badSpec('snmp: state= is for OID=ON/OFF');
    return [atOutlet(profile, kind, words[0] ?? ''), options];
  }
  const options = parseOptions(words);
  const state = options.get('state');
  if (!options.delete('state')) return [object, options];
  const reading = parseObject(state ?? '');
  if (reading === undefined) throw badSpec('snmp: state= is OID=ON/OFF');
  return [{ ...object, state: reading.state }, options];
}

export function parseSnmp(rest: string): PowerDriver {
  const [kind = '', place = '', ...words] = rest.split(/ +/);
  const [objects, options] = parseObjects(kind, words);
  const { peer, host } = parsePeer(place);
  const agent = snmpAgent(peer, host, accessLines(options));
  return {
    async switchTo(state, signal) {
      await snmpSet(agent, objects[state].oid, objects[state].value, signal);
    },
    async state(signal) {
      const { oid, on, off } = objects.state;
      const value = await snmpGet(agent, oid, signal);
      if (on.includes(value)) return 'on';
      if (off.includes(value)) return 'off';
      throw new CommandError(`${agent.host} answers ${value} for ${oid}; look at the device`);
    },
  };
}
