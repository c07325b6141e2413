/**
 * The rules of iptables(8), as iptables-save(8) prints them, in the words of nft-ruleset.ts. Of those that iptables-nft
 * makes, nft(8) shows some matches by their names only; those of iptables-legacy it does not know.
 */
import { parseRuleset, type Ruleset } from './nft-ruleset.ts';

const PLACE = { family: 'ip', table: 'filter' };

/** A match that nobody knows, and a verdict that nobody knows. */
const SOME = { limit: null };
const OTHER = { queue: null };

/** Targets after which the next rule has its turn: iptables-extensions(8). */
const PASSING = ['LOG', 'NFLOG', 'ULOG', 'MARK', 'CONNMARK', 'SET', 'CHECKSUM', 'DSCP', 'TOS', 'TCPMSS'];
const VERDICTS = ['ACCEPT', 'DROP', 'REJECT', 'RETURN'];

function range(text: string): unknown {
  const [from, to] = text.split(':').map(Number);
  return to === undefined ? from : { range: [from, to] };
}

type Match = (value: string) => { readonly left: unknown; readonly right: unknown } | undefined;

const state: Match = (value) => {
  const states = value.toLowerCase().split(',');
  // What is passed on to another machine is none of ours.
  return states.some((each) => ['dnat', 'snat'].includes(each))
    ? undefined
    : { left: { ct: { key: 'state' } }, right: states };
};
const dport = (right: unknown) => ({ left: { payload: { protocol: 'th', field: 'dport' } }, right });

const MATCHES: Readonly<Record<string, Match>> = {
  '-p': (right) => ({ left: { meta: { key: 'l4proto' } }, right }),
  '-i': (right) => ({ left: { meta: { key: 'iifname' } }, right }),
  '--dport': (value) => dport(range(value)),
  '--dports': (value) => dport({ set: value.split(',').map(range) }),
  '--ctstate': state,
  '--state': state,
};

/** @param option -j or -g @param chains that there are */
function verdict(option: string, name: string, chains: ReadonlySet<string>): object[] {
  if (VERDICTS.includes(name)) return [{ [name.toLowerCase()]: null }];
  if (chains.has(name)) return [{ [option === '-j' ? 'jump' : 'goto']: { target: name } }];
  return PASSING.includes(name) ? [] : [OTHER];
}

/** An option, perhaps with ! in front, and its values. */
const OPTION = /(! )?(-{1,2}[A-Za-z][\w-]*)((?: (?:"(?:[^"\\]|\\.)*"|(?!-|! )\S+))*)/g;

function statements(line: string, chains: ReadonlySet<string>): object[] {
  const expr: object[] = [];
  for (const [, not, option = '', values = ''] of line.matchAll(OPTION)) {
    const value = values.trim();
    // What follows are the target's own options.
    if (option === '-j' || option === '-g') return [...expr, ...verdict(option, value, chains)];
    if (option === '-m' || option === '--comment') continue;
    const match = MATCHES[option]?.(value);
    expr.push(match === undefined ? SOME : { match: { op: not ? '!=' : '==', ...match } });
  }
  return expr;
}

/** @param text of all tables */
export function parseIptables(text: string): Ruleset {
  const table = /^\*filter$([\s\S]*?)^COMMIT$/m.exec(text)?.[1] ?? '';
  const chains = [...table.matchAll(/^:(\S+) (\S+)/gm)].map(([, name = '', policy = '']) => ({
    name,
    policy,
  }));
  const names = new Set(chains.map(({ name }) => name));
  const rules = [...table.matchAll(/^-A (\S+)(.*)$/gm)].map(([, chain = '', line = '']) => ({
    rule: { ...PLACE, chain, expr: statements(line, names) },
  }));
  const hooked = chains.map(({ name, policy }) => ({
    chain: {
      ...{ ...PLACE, name },
      ...(name === 'INPUT' && { type: 'filter', hook: 'input', policy: policy.toLowerCase() }),
    },
  }));
  return parseRuleset(JSON.stringify({ nftables: [...hooked, ...rules] }));
}
