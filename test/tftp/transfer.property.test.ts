/** A sender and a receiver as RFC 1350 and 7440 have it, with a network between them that does what it likes for a while. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Transfer } from '../../src/tftp/transfer.ts';

const TIMEOUT_MS = 1000;
/** The receiver's own, if nothing else is said. */
const ASKS_AGAIN_MS = 2500;
const TRAVEL_MS = 5;
const OPTIONS = 'options';

type Packet =
  | typeof OPTIONS
  | { readonly block: number; readonly isLast: boolean }
  | { readonly ack: number };

/** What happens to a packet: it is lost, or comes as often as there are delays. */
type Fate = readonly number[];

interface Scenario {
  readonly blocks: number;
  readonly windowsize: number;
  readonly hasOptions: boolean;
  readonly manner: keyof typeof MANNERS;
  /** Of packets, in their order; all others come. */
  readonly fates: readonly Fate[];
  /** How many blocks of a burst the receiver's network card can take. */
  readonly ring?: number;
  /** When the receiver asks again, after the last block that it could use. */
  readonly asksAgainMs?: number;
}

/** What a kind of receiver does with the blocks that come. */
interface Manner {
  /** The next block is there. @returns whether to acknowledge */
  next(block: number, isLast: boolean): boolean;
  /** Another block than the one after `block` came. @returns whether to acknowledge */
  unexpected(block: number): boolean;
}

/** RFC 7440 §4: the end of a window, and what came before a gap, once. */
function byTheBook(windowsize: number): Manner {
  let inWindow = 0;
  let hasGap = false;
  return {
    next(_, isLast) {
      hasGap = false;
      inWindow = (inWindow + 1) % windowsize;
      return inWindow === 0 || isLast;
    },
    unexpected() {
      const isFirst = !hasGap;
      hasGap = true;
      inWindow = 0;
      return isFirst;
    },
  };
}

/** As U-Boot 2023.01 does it: once for each block, and at a block of which it thinks that it ends a window. */
function uboot(windowsize: number): Manner {
  let nextAck = windowsize;
  let lastNack = -1;
  return {
    next(block, isLast) {
      if (block !== nextAck) return isLast;
      nextAck += windowsize;
      return true;
    },
    unexpected(block) {
      if (block === lastNack) return false;
      lastNack = block;
      nextAck = block + windowsize;
      return true;
    },
  };
}

/** As atftp does it: for each block. */
function eager(windowsize: number): Manner {
  return { ...byTheBook(windowsize), unexpected: () => true };
}

const MANNERS = { byTheBook, uboot, eager };

class Receiver {
  readonly received: number[] = [];
  private readonly manner: Manner;

  constructor({ windowsize, manner }: Scenario) {
    this.manner = MANNERS[manner](windowsize);
  }

  get ack(): Packet {
    return { ack: this.received.length & 0xffff };
  }

  /** @returns whether to acknowledge */
  take(packet: Packet): boolean {
    const { received, manner } = this;
    if (packet === OPTIONS) return received.length === 0;
    if (!('block' in packet)) throw new Error('not for a receiver');
    if (packet.block !== ((received.length + 1) & 0xffff)) return manner.unexpected(received.length);
    received.push(packet.block);
    return manner.next(received.length, packet.isLast);
  }
}

interface Event {
  readonly at: number;
  readonly packet: Packet;
}

class Play {
  readonly receiver: Receiver;
  readonly transfer: Transfer;
  sent = 0;
  now = 0;
  private readonly scenario: Scenario;
  private readonly fates: Fate[];
  private events: Event[] = [];
  private readonly asksAgainMs: number;
  private heardAt = 0;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.fates = [...scenario.fates];
    this.receiver = new Receiver(scenario);
    this.asksAgainMs = scenario.asksAgainMs ?? ASKS_AGAIN_MS;
    const { windowsize, hasOptions } = scenario;
    this.transfer = new Transfer({ windowsize, timeoutMs: TIMEOUT_MS, hasOptions }, 0);
  }

  run(): void {
    this.send();
    while (this.transfer.state === 'running') {
      const next = Math.min(
        this.transfer.deadline,
        this.heardAt + this.asksAgainMs,
        ...this.events.map(({ at }) => at),
      );
      this.now = Math.max(this.now, next);
      const due = this.events.filter(({ at }) => at <= this.now).sort((a, b) => a.at - b.at);
      this.events = this.events.filter(({ at }) => at > this.now);
      for (const { packet } of due) this.arrive(packet);
      if (this.transfer.deadline <= this.now) this.transfer.timeout(this.now);
      if (this.heardAt + this.asksAgainMs <= this.now) this.ask();
      this.send();
    }
  }

  private arrive(packet: Packet): void {
    if (packet !== OPTIONS && 'ack' in packet) {
      this.transfer.acknowledge(packet.ack, this.now);
      this.send();
      return;
    }
    const { receiver } = this;
    const had = receiver.received.length;
    if (receiver.take(packet)) this.post(receiver.ack);
    if (packet === OPTIONS || receiver.received.length > had) this.heardAt = this.now;
  }

  /** The receiver hears nothing. */
  private ask(): void {
    this.heardAt = this.now;
    this.post(this.receiver.ack);
  }

  private send(): void {
    const { transfer } = this;
    if (transfer.owesOptions) {
      transfer.sentOptions();
      this.post(OPTIONS);
    }
    while (transfer.room > 0) {
      const block = transfer.next;
      const isLast = block === this.scenario.blocks;
      transfer.sent(1, isLast);
      this.sent += 1;
      const flying = this.events.filter(({ packet }) => packet !== OPTIONS && 'block' in packet);
      if (flying.length < (this.scenario.ring ?? Number.POSITIVE_INFINITY)) {
        this.post({ block: block & 0xffff, isLast });
      }
    }
  }

  private post(packet: Packet): void {
    for (const delay of this.fates.shift() ?? [0]) {
      this.events.push({ at: this.now + TRAVEL_MS + delay, packet });
    }
  }
}

const fate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 4, arbitrary: fc.constant([0]) },
  { weight: 1, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(fc.nat({ max: 3000 }), { minLength: 1, maxLength: 2 }) },
);

function scenario(fates: fc.Arbitrary<readonly Fate[]>): fc.Arbitrary<Scenario> {
  return fc.record({
    blocks: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 5 })),
    windowsize: fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 16 })),
    hasOptions: fc.boolean(),
    manner: fc.constantFrom<Scenario['manner']>('byTheBook', 'uboot', 'eager'),
    fates,
  });
}

it('the receiver gets all blocks in their order, whatever is lost, late or doubled at first', () => {
  fc.assert(
    fc.property(scenario(fc.array(fate, { maxLength: 60 })), (given) => {
      const play = new Play(given);
      play.run();
      expect(play.receiver.received).toEqual(play.receiver.received.map((_, index) => (index + 1) & 0xffff));
      if (play.transfer.state === 'complete') {
        expect(play.receiver.received).toHaveLength(given.blocks);
      } else {
        // It was given up because nothing came through for long: no more than that many packets had bad luck.
        expect(given.fates.filter((delays) => delays.length !== 1 || delays[0] !== 0).length).toBeGreaterThan(
          2,
        );
      }
    }),
    { numRuns: 3000 },
  );
});

it('a network without losses gets each block once', () => {
  fc.assert(
    fc.property(scenario(fc.constant([])), (given) => {
      const play = new Play(given);
      play.run();
      expect(play.transfer).toMatchObject({ state: 'complete', retransmissions: 0 });
      expect(play.sent).toBe(given.blocks);
    }),
  );
});

it('a network that doubles every packet gets each block once, or two windows for each acknowledgment at most', () => {
  const doubled = fc.nat({ max: 4 }).map((delay): Fate[] => new Array(400).fill([0, delay]));
  fc.assert(
    fc.property(scenario(doubled), (given) => {
      const play = new Play(given);
      play.run();
      expect(play.transfer.state).toBe('complete');
      expect(play.sent).toBeLessThanOrEqual(
        (given.windowsize === 1 ? 1 : 2 * given.windowsize) * given.blocks,
      );
    }),
    { numRuns: 500 },
  );
});

it('without windows, each loss costs one packet', () => {
  const lossy = fc.array(fc.constantFrom<Fate>([0], [0], [0], []), { maxLength: 60 });
  fc.assert(
    fc.property(scenario(lossy), (given) => {
      const play = new Play({ ...given, windowsize: 1 });
      play.run();
      const losses = given.fates.filter((delays) => delays.length === 0).length;
      expect(play.transfer.retransmissions).toBeLessThanOrEqual(losses);
    }),
    { numRuns: 1000 },
  );
});

it('a receiver that loses the end of each window waits once for each window at most', () => {
  const blocks = 400;
  const windowsize = 16;
  const manner = fc.constantFrom<Scenario['manner']>('byTheBook', 'uboot', 'eager');
  fc.assert(
    fc.property(manner, fc.integer({ min: windowsize / 2, max: windowsize - 1 }), (kind, ring) => {
      // U-Boot asks for its own timeout, so that both end at the same time.
      const asksAgainMs = TIMEOUT_MS;
      const play = new Play({
        blocks,
        windowsize,
        manner: kind,
        hasOptions: true,
        fates: [],
        ring,
        asksAgainMs,
      });
      play.run();
      expect(play.transfer.state).toBe('complete');
      expect(play.now / TIMEOUT_MS).toBeLessThanOrEqual(blocks / ring + 2);
    }),
  );
});

it('losses cost two windows each at most, and nothing any more when they are over', () => {
  const lossy = fc.array(fc.constantFrom<Fate>([0], [0], [0], []), { minLength: 30, maxLength: 60 });
  fc.assert(
    fc.property(scenario(lossy), (given) => {
      const play = new Play({ ...given, blocks: 2000 });
      play.run();
      if (play.transfer.state !== 'complete') return;
      const losses = given.fates.filter((delays) => delays.length === 0).length;
      expect(play.transfer.retransmissions).toBeLessThanOrEqual(2 * given.windowsize * losses);
    }),
    { numRuns: 300 },
  );
});

it('any packets at all do no harm', () => {
  const input = fc.oneof(fc.nat({ max: 0xffff }), fc.nat({ max: 20 }), fc.constant('silence'));
  fc.assert(
    fc.property(scenario(fc.constant([])), fc.array(input, { maxLength: 200 }), (given, inputs) => {
      const { windowsize, hasOptions, blocks } = given;
      const transfer = new Transfer({ windowsize, timeoutMs: TIMEOUT_MS, hasOptions }, 0);
      let now = 0;
      for (const one of inputs) {
        if (typeof one === 'number') {
          transfer.acknowledge(one, now);
        } else {
          now = transfer.deadline;
          transfer.timeout(now);
        }
        if (transfer.owesOptions) transfer.sentOptions();
        const before = transfer.next;
        for (; transfer.room > 0; transfer.sent(1, transfer.next === blocks));
        expect(transfer.next - before).toBeLessThanOrEqual(windowsize);
        expect(transfer.acknowledged).toBeLessThanOrEqual(blocks);
        expect(transfer.next).toBeLessThanOrEqual(transfer.acknowledged + windowsize + 1);
      }
    }),
    { numRuns: 1000 },
  );
});
