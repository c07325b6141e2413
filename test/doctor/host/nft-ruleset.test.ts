/** Rules as nft -j list ruleset of nftables 1.0.6 printed them. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { parseIptables } from '../../../src/doctor/host/iptables-rules.ts';
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

/** What iptables-save 1.8.9 prints of a chain of ufw's shape; policy DROP. */
it.each([
  // In a state NEW, with a comment that looks like a verdict.
  ['tcp 22', false],
  ['udp 69', false],
  ['udp 111', true],
  ['tcp 80', true],
  // From one network only: nobody knows.
  ['tcp 8080', false],
  // A chain without rules returns.
  ['tcp 25500', true],
])('rules of iptables-save: %s', (packet, expected) => {
  const file = path.join(import.meta.dirname, '../../captures/firewall/iptables-save.txt');
  expect(dropped(parseIptables(fs.readFileSync(file, 'utf8')), packet)).toBe(expected);
});

const rules = (policy: string, ...lines: string[]) =>
  parseIptables(`*filter\n:INPUT ${policy} [0:0]\n:x - [0:0]\n${lines.join('\n')}\nCOMMIT\n`);

it.each<[string, Ruleset, boolean]>([
  ['no table', parseIptables('*nat\n:INPUT DROP [0:0]\nCOMMIT\n'), false],
  ['a policy', rules('DROP'), true],
  ['all but lo', rules('ACCEPT', '-A INPUT ! -i lo -j DROP'), true],
  ['another interface', rules('ACCEPT', '-A INPUT ! -i eth0 -j DROP'), false],
  ['another protocol', rules('ACCEPT', '-A INPUT -p tcp -j DROP'), false],
  ['a target that nobody knows', rules('DROP', '-A INPUT -p udp -j NFQUEUE --queue-num 0'), false],
  ['a match that nobody knows', rules('DROP', '-A INPUT -m geoip --source-country DE -j ACCEPT'), false],
  ['a chain that returns', rules('DROP', '-A INPUT -j x', '-A x -j RETURN', '-A x -j ACCEPT'), true],
  ['a chain that it goes to for good', rules('ACCEPT', '-A INPUT -g x', '-A INPUT -j DROP'), false],
])('iptables: %s', (_, ruleset, expected) => {
  expect(isDropped(ruleset, { protocol: 'udp', port: 69 })).toBe(expected);
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
const states = (verdict: object, ...names: string[]) => ({
  vmap: { key: { ct: { key: 'state' } }, data: { set: names.map((name) => [name, verdict]) } },
});
const withPorts = (ruleset: Ruleset, set: object) =>
  parseRuleset(
    JSON.stringify({
      nftables: [
        ...ruleset,
        { set: { family: 'inet', table: 't', name: 'ports', type: 'inet_service', ...set } },
      ],
    }),
  );
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
  ['connections that nft does not show', chain('drop', [conntrack, accept]), false],
  ['connections that are there', chain('drop', [states(accept, 'established', 'related')]), true],
  ['new connections', chain('drop', [states(accept, 'new')]), false],
  ['a queue', chain('drop', [{ queue: null }]), false],
  ['what nobody knows', chain('drop', [addrtype, accept]), false],
  ['what may be dropped', chain('accept', [addrtype, drop]), false],
  ['what may return', chain('accept', [addrtype, { return: null }], [drop]), false],
  ['a named set that is not there', chain('drop', [dport('@ports'), accept]), false],
  ['a named set with it', withPorts(chain('drop', [dport('@ports'), accept]), { elem: [67, 69] }), false],
  [
    'a named set with its range',
    withPorts(chain('drop', [dport('@ports'), accept]), { elem: [{ range: [60, 70] }] }),
    false,
  ],
  ['a named set without it', withPorts(chain('drop', [dport('@ports'), accept]), { elem: [67] }), true],
  ['an empty named set', withPorts(chain('drop', [dport('@ports'), accept]), {}), true],
  [
    'a named set that changes by itself',
    withPorts(chain('drop', [dport('@ports'), accept]), { flags: ['dynamic'] }),
    false,
  ],
  [
    'a named set that changes by itself, of a newer nft',
    withPorts(chain('drop', [dport('@ports'), accept]), { flags: 'dynamic' }),
    false,
  ],
  ['a port that is below', chain('drop', [dport(1024, '<'), accept]), false],
  [
    'a named set of something else',
    withPorts(chain('drop', [dport('@ports'), accept]), { type: 'ifname' }),
    false,
  ],
  ['a map', chain('drop', [{ vmap: { key: {}, data: {} } }]), false],
  ['a chain of itself', chain('drop', [{ jump: { target: 'in' } }]), false],
])('%s', (_, ruleset, expected) => {
  expect(isDropped(ruleset, { protocol: 'udp', port: 69 })).toBe(expected);
});

it('refuses what is no ruleset', () => {
  expect(() => parseRuleset('{"nftables": 1}')).toThrow();
});
