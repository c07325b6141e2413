/** What nftables does with a packet to a port of this host, as far as its rules tell (libnftables-json(5)). */
import * as z from 'zod/mini';

const statement = z.record(z.string(), z.unknown());
const entry = z.looseObject({
  chain: z.optional(
    z.looseObject({
      ...{ family: z.string(), table: z.string(), name: z.string() },
      ...{ type: z.optional(z.string()), hook: z.optional(z.string()), policy: z.optional(z.string()) },
    }),
  ),
  rule: z.optional(
    z.looseObject({ family: z.string(), table: z.string(), chain: z.string(), expr: z.array(statement) }),
  ),
});
const schema = z.object({ nftables: z.array(entry) });

export type Ruleset = z.infer<typeof schema>['nftables'];

/** @throws Error for what nft does not print */
export function parseRuleset(json: string): Ruleset {
  return schema.parse(JSON.parse(json)).nftables;
}

export interface Packet {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
}

type Guess = 'yes' | 'no' | 'maybe';

const is = (fits: boolean): Guess => (fits ? 'yes' : 'no');

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

/** @param right a value, a set, a range, or the name of a set with @ in front */
function fits(value: string | number, right: unknown): Guess {
  if (Array.isArray(right)) return right.includes(value) ? 'yes' : 'no';
  const set = member(right, 'set');
  if (Array.isArray(set)) {
    const guesses = set.map((each) => fits(value, each));
    return guesses.find((guess) => guess === 'yes') ?? guesses.find((guess) => guess === 'maybe') ?? 'no';
  }
  const range = member(right, 'range');
  if (Array.isArray(range)) return is(Number(range[0]) <= Number(value) && Number(value) <= Number(range[1]));
  if (typeof right === 'number') return is(right === value);
  if (typeof right === 'string' && !right.startsWith('@')) return is(right === String(value));
  return 'maybe';
}

/** Whether a first packet from another machine matches. */
function matchGuess(match: unknown, { protocol, port }: Packet): Guess {
  const [left, right] = [member(match, 'left'), member(match, 'right')];
  const payload = member(left, 'payload');
  const of = member(payload, 'protocol');
  const meta = member(member(left, 'meta'), 'key');
  const guess = (): Guess => {
    if ((of === 'tcp' || of === 'udp') && of !== protocol) return 'no';
    if ((of === protocol || of === 'th') && member(payload, 'field') === 'dport') return fits(port, right);
    if (meta === 'l4proto' || (of === 'ip' && member(payload, 'field') === 'protocol'))
      return fits(protocol, right);
    if ((meta === 'iif' || meta === 'iifname') && right === 'lo') return 'no';
    if (member(member(left, 'ct'), 'key') === 'state') return fits('new', right);
    return 'maybe';
  };
  const found = guess();
  if (member(match, 'op') !== '!=' || found === 'maybe') return found;
  return found === 'yes' ? 'no' : 'yes';
}

type Fate = 'accepted' | 'dropped' | 'unknown' | 'passed';

/** What iptables-nft(8) shows of its own matches is their names. These are of connections that there are already. */
function isOfConnections(xt: unknown): boolean {
  return ['conntrack', 'state'].includes(String(member(xt, 'name')));
}

class Walk {
  private readonly ruleset: Ruleset;
  private readonly packet: Packet;
  /** The kernel has chains 16 deep. */
  private depth = 0;

  constructor(ruleset: Ruleset, packet: Packet) {
    this.ruleset = ruleset;
    this.packet = packet;
  }

  chain(family: string, table: string, name: string): Fate {
    if (this.depth > 16) return 'unknown';
    this.depth += 1;
    try {
      let mayReturn = false;
      for (const { rule } of this.ruleset) {
        if (rule === undefined || rule.family !== family || rule.table !== table || rule.chain !== name)
          continue;
        const guess = this.guess(rule.expr);
        if (guess === 'no') continue;
        const fate = this.verdict(rule.expr, (chain) => this.chain(family, table, chain));
        if (fate === 'return' && guess === 'yes') return 'passed';
        if (fate === 'return') mayReturn = true;
        // What may be dropped may go on as well; what may be accepted leaves nothing certain.
        else if (fate === 'dropped' && guess === 'yes') return mayReturn ? 'passed' : 'dropped';
        else if (fate === 'accepted' || fate === 'unknown') return guess === 'yes' ? fate : 'unknown';
      }
      return 'passed';
    } finally {
      this.depth -= 1;
    }
  }

  private guess(expr: readonly Record<string, unknown>[]): Guess {
    const guesses = expr.map((each): Guess => {
      if ('match' in each) return matchGuess(each.match, this.packet);
      if ('xt' in each) return isOfConnections(each.xt) ? 'no' : 'maybe';
      return 'limit' in each ? 'maybe' : 'yes';
    });
    return guesses.find((guess) => guess === 'no') ?? guesses.find((guess) => guess === 'maybe') ?? 'yes';
  }

  private verdict(expr: readonly Record<string, unknown>[], enter: (chain: string) => Fate): Fate | 'return' {
    for (const each of expr) {
      if ('accept' in each) return 'accepted';
      if ('drop' in each || 'reject' in each) return 'dropped';
      if ('return' in each) return 'return';
      if ('vmap' in each) return 'unknown';
      const called = member(each.jump ?? each.goto, 'target');
      if (typeof called === 'string') return enter(called);
    }
    return 'passed';
  }
}

/** Whether no rule lets it in, so that it is dropped for certain. */
export function isDropped(ruleset: Ruleset, packet: Packet): boolean {
  return ruleset.some(({ chain }) => {
    if (chain?.hook !== 'input' || chain.type !== 'filter' || chain.family === 'ip6') return false;
    const fate = new Walk(ruleset, packet).chain(chain.family, chain.table, chain.name);
    return fate === 'dropped' || (fate === 'passed' && chain.policy === 'drop');
  });
}
