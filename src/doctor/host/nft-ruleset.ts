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
  set: z.optional(
    z.looseObject({
      ...{ family: z.string(), table: z.string(), name: z.string() },
      ...{
        type: z.optional(z.unknown()),
        flags: z.optional(z.unknown()),
        elem: z.optional(z.array(z.unknown())),
      },
    }),
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

/** The elements of a named set; undefined where they are not known, or are others soon. */
type FindSet = (name: string) => readonly unknown[] | undefined;

/** @param right a value, a set, a range, or the name of a set with @ in front */
function fits(value: string | number, right: unknown, find: FindSet): Guess {
  if (Array.isArray(right)) return right.includes(value) ? 'yes' : 'no';
  const set =
    typeof right === 'string' && right.startsWith('@') ? find(right.slice(1)) : member(right, 'set');
  if (Array.isArray(set)) {
    const guesses = set.map((each) => fits(value, each, find));
    return guesses.find((guess) => guess === 'yes') ?? guesses.find((guess) => guess === 'maybe') ?? 'no';
  }
  const range = member(right, 'range');
  if (Array.isArray(range)) return is(Number(range[0]) <= Number(value) && Number(value) <= Number(range[1]));
  if (typeof right === 'number') return is(right === value);
  if (typeof right === 'string' && !right.startsWith('@')) return is(right === String(value));
  return 'maybe';
}

/** Whether a first packet from another machine matches. */
function matchGuess(match: unknown, { protocol, port }: Packet, find: FindSet): Guess {
  if (!['==', '!=', 'in'].includes(String(member(match, 'op')))) return 'maybe';
  const [left, right] = [member(match, 'left'), member(match, 'right')];
  const payload = member(left, 'payload');
  const of = member(payload, 'protocol');
  const meta = member(member(left, 'meta'), 'key');
  const guess = (): Guess => {
    if ((of === 'tcp' || of === 'udp') && of !== protocol) return 'no';
    if ((of === protocol || of === 'th') && member(payload, 'field') === 'dport')
      return fits(port, right, find);
    if (meta === 'l4proto' || (of === 'ip' && member(payload, 'field') === 'protocol'))
      return fits(protocol, right, find);
    if ((meta === 'iif' || meta === 'iifname') && right === 'lo') return 'no';
    if (member(member(left, 'ct'), 'key') === 'state') return fits('new', right, find);
    return 'maybe';
  };
  const found = guess();
  if (member(match, 'op') !== '!=' || found === 'maybe') return found;
  return found === 'yes' ? 'no' : 'yes';
}

type Fate = 'accepted' | 'dropped' | 'unknown' | 'passed';

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
        const find: FindSet = (name) => this.elements(family, table, name);
        const guess = this.guess(rule.expr, find);
        if (guess === 'no') continue;
        const fate = this.verdict(rule.expr, find, (chain) => this.chain(family, table, chain));
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

  private elements(family: string, table: string, name: string): readonly unknown[] | undefined {
    const found = this.ruleset.find(
      ({ set }) => set?.family === family && set.table === table && set.name === name,
    )?.set;
    // A single one is a string in newer versions.
    const flags = [found?.flags].flat();
    if (found?.type !== 'inet_service' || flags.includes('dynamic') || flags.includes('timeout'))
      return undefined;
    return found.elem ?? [];
  }

  private guess(expr: readonly Record<string, unknown>[], find: FindSet): Guess {
    const guesses = expr.map((each): Guess => {
      if ('match' in each) return matchGuess(each.match, this.packet, find);
      // iptables-nft(8) shows the names only of its own matches.
      return 'limit' in each || 'xt' in each ? 'maybe' : 'yes';
    });
    return guesses.find((guess) => guess === 'no') ?? guesses.find((guess) => guess === 'maybe') ?? 'yes';
  }

  private verdict(
    expr: readonly Record<string, unknown>[],
    find: FindSet,
    enter: (chain: string) => Fate,
  ): Fate | 'return' {
    for (const each of expr) {
      if ('accept' in each) return 'accepted';
      if ('drop' in each || 'reject' in each) return 'dropped';
      if ('return' in each) return 'return';
      if ('queue' in each) return 'unknown';
      if ('vmap' in each) return this.mapped(each.vmap, find, enter);
      const [jump, leave] = [member(each.jump, 'target'), member(each.goto, 'target')];
      if (typeof jump === 'string') return enter(jump);
      if (typeof leave === 'string') {
        const fate = enter(leave);
        return fate === 'passed' ? 'return' : fate;
      }
    }
    return 'passed';
  }

  /** A verdict for each value of a key, where they stand in the rule itself. */
  private mapped(vmap: unknown, find: FindSet, enter: (chain: string) => Fate): Fate | 'return' {
    const pairs = member(member(vmap, 'data'), 'set');
    if (!Array.isArray(pairs)) return 'unknown';
    for (const [right, verdict] of pairs) {
      const guess = matchGuess({ op: '==', left: member(vmap, 'key'), right }, this.packet, find);
      if (guess === 'maybe') return 'unknown';
      if (guess === 'yes') return this.verdict([verdict], find, enter);
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
