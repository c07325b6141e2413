/** Rules as nft -j list ruleset of nftables 1.0.6 printed them. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { isDropped, parseRuleset, type Ruleset } from '../../../src/doctor/host/nft-ruleset.ts';

const captured = (name: string) =>
  parseRuleset(
    fs.readFileSync(path.join(import.meta.dirname, '../../captures/firewall', `${name}.json`), 'utf8'),
  );

const dropped = (ruleset: Ruleset, text: string) => {
  const [protocol, port] = text.split(' ');
  return isDropped(ruleset, { protocol: protocol as 'tcp' | 'udp', port: Number(port) });
};

/** Accepts established connections, lo, tcp 22, udp 67, 69 and 100-200, udp of a named set; then tcp from 1024 on. */
it.each([
  ['udp 69', false],
  ['udp 150', false],
  ['tcp 22', false],
  ['tcp 2000', false],
  ['tcp 80', true],
  ['tcp 69', true],
])('rules of nft: %s', (packet, expected) => {
  expect(dropped(captured('closed'), packet)).toBe(expected);
});

/** iptables: established connections, lo, a chain with tcp 22, udp 67,69 and tcp 25000:26000 (multiport); policy drop. */
it.each([
  ['tcp 22', false],
  ['udp 69', false],
  // multiport is not shown: nobody knows.
  ['tcp 80', false],
])('rules of iptables: %s', (packet, expected) => {
  expect(dropped(captured('iptables'), packet)).toBe(expected);
});

const chain = (policy: string, ...exprs: object[][]): Ruleset => {
  const place = { family: 'inet', table: 't' };
  const rules = exprs.map((expr) => ({ rule: { ...place, chain: 'in', expr } }));
  const text = JSON.stringify({
    nftables: [{ chain: { ...place, name: 'in', type: 'filter', hook: 'input', prio: 0, policy } }, ...rules],
  });
  return parseRuleset(text);
};
const conntrack = { xt: { type: 'match', name: 'conntrack' } };
const addrtype = { xt: { type: 'match', name: 'addrtype' } };
const accept = { accept: null };
const drop = { drop: null };
const dport = (right: unknown, op = '==') => ({
  match: { op, left: { payload: { protocol: 'udp', field: 'dport' } }, right },
});

it.each<[string, Ruleset, boolean]>([
  ['no rules', chain('accept'), false],
  ['a policy', chain('drop'), true],
  ['a last rule', chain('accept', [drop]), true],
  ['a reject', chain('accept', [{ reject: null }]), true],
  ['a drop of something else', chain('accept', [dport(70), drop]), false],
  ['a drop of all others', chain('accept', [dport(69, '!='), drop]), false],
  ['a drop of the port', chain('accept', [dport(69), drop]), true],
  ['connections that are there', chain('drop', [conntrack, accept]), true],
  ['what nobody knows', chain('drop', [addrtype, accept]), false],
  ['what may be dropped', chain('accept', [addrtype, drop]), false],
  ['what may return', chain('accept', [addrtype, { return: null }], [drop]), false],
  ['a named set', chain('drop', [dport('@ports'), accept]), false],
  ['a map', chain('drop', [{ vmap: { key: {}, data: {} } }]), false],
  ['a chain of itself', chain('drop', [{ jump: { target: 'in' } }]), false],
])('%s', (_, ruleset, expected) => {
  expect(isDropped(ruleset, { protocol: 'udp', port: 69 })).toBe(expected);
});

it('refuses what is no ruleset', () => {
  expect(() => parseRuleset('{"nftables": 1}')).toThrow();
});
