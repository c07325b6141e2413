import { describe, expect, it } from 'vitest';
import { Transfer } from '../../src/tftp/transfer.ts';

/** A transfer of `blocks` blocks, and what it sends: block numbers, "options". */
class Sender {
  readonly transfer: Transfer;
  private readonly blocks: number;

  constructor(blocks: number, windowsize: number, { timeoutMs = 1000, hasOptions = false } = {}) {
    this.blocks = blocks;
    this.transfer = new Transfer({ windowsize, timeoutMs, hasOptions }, 0);
  }

  /** What is to be sent now. */
  send(): (number | 'options')[] {
    const { transfer, blocks } = this;
    const sent: (number | 'options')[] = [];
    if (transfer.owesOptions) {
      sent.push('options');
      transfer.sentOptions();
    }
    while (transfer.room > 0) {
      sent.push(transfer.next);
      transfer.sent(1, transfer.next === blocks);
    }
    return sent;
  }

  ack(number: number, now = 0): (number | 'options')[] {
    this.transfer.acknowledge(number & 0xffff, now);
    return this.send();
  }

  timeout(now: number): (number | 'options')[] {
    this.transfer.timeout(now);
    return this.send();
  }
}

it('sends block after block, and is complete with the last acknowledgment', () => {
  const sender = new Sender(3, 1);
  expect([sender.send(), sender.ack(1), sender.ack(2)]).toEqual([[1], [2], [3]]);
  expect(sender.transfer.state).toBe('running');
  expect(sender.ack(3)).toEqual([]);
  expect(sender.transfer).toMatchObject({ state: 'complete', acknowledged: 3, retransmissions: 0 });
  expect(sender.ack(3)).toEqual([]);
});

it('sends the accepted options first, until they are acknowledged', () => {
  const sender = new Sender(2, 1, { hasOptions: true });
  expect(sender.send()).toEqual(['options']);
  expect(sender.ack(1)).toEqual([]);
  expect(sender.timeout(1000)).toEqual(['options']);
  expect(sender.ack(0)).toEqual([1]);
  // It was sent twice, so this one is no surprise.
  expect(sender.ack(0)).toEqual([]);
  expect(sender.transfer.retransmissions).toBe(1);
});

it('counts blocks beyond 65,535 several times', () => {
  const blocks = 3 * 65536 + 10;
  const sender = new Sender(blocks, 1);
  expect(sender.send()).toEqual([1]);
  for (let block = 1; block < blocks; block += 1) {
    const sent = sender.ack(block);
    if (sent.length !== 1 || sent[0] !== block + 1) expect(sent).toEqual([block + 1]);
  }
  sender.ack(blocks);
  expect(sender.transfer.state).toBe('complete');
});

describe('acknowledgments', () => {
  it('that come twice make no block come twice (sorcerer’s apprentice)', () => {
    const sender = new Sender(1000, 1);
    sender.send();
    for (let block = 1; block < 1000; block += 1) {
      expect(sender.ack(block)).toEqual([block + 1]);
      expect(sender.ack(block)).toEqual([]);
    }
    expect(sender.transfer.retransmissions).toBe(0);
  });

  it.each([0, 1, 3, 4, 5, 100, 65535])(
    'of block %d count for nothing when blocks 3 and 4 were acknowledged',
    (number) => {
      const sender = new Sender(1000, 2);
      sender.send();
      sender.ack(2);
      expect(sender.ack(4)).toEqual([5, 6]);
      sender.ack(4);
      const sent = sender.ack(number);
      expect(sent).toEqual(number === 5 ? [6, 7] : []);
    },
  );
});

describe('a window', () => {
  it('is sent at once, and the next when it is acknowledged', () => {
    const sender = new Sender(10, 4);
    expect([sender.send(), sender.ack(4), sender.ack(8), sender.ack(10)]).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [9, 10],
      [],
    ]);
    expect(sender.transfer.state).toBe('complete');
  });

  it('of which a block is lost begins anew behind the last one that came', () => {
    const sender = new Sender(100, 4);
    sender.send();
    expect(sender.ack(2)).toEqual([3, 4, 5, 6]);
    expect(sender.transfer.retransmissions).toBe(2);
  });

  it('whose first block is lost is sent once more, not for each acknowledgment', () => {
    const sender = new Sender(100, 4);
    sender.send();
    expect(sender.ack(4)).toEqual([5, 6, 7, 8]);
    expect(sender.ack(4)).toEqual([5, 6, 7, 8]);
    expect([sender.ack(4), sender.ack(4)]).toEqual([[], []]);
    // Both copies of the window came.
    expect(sender.ack(8)).toEqual([9, 10, 11, 12]);
    expect(sender.ack(8)).toEqual([]);
    expect(sender.transfer.retransmissions).toBe(4);
  });

  it('that was repeated after silence may be acknowledged block by block, since the receiver has them', () => {
    const sender = new Sender(100, 4);
    sender.send();
    expect(sender.timeout(1000)).toEqual([1, 2, 3, 4]);
    expect(sender.ack(4, 1001)).toEqual([5, 6, 7, 8]);
    for (let count = 0; count < 4; count += 1) expect(sender.ack(4, 1002)).toEqual([]);
    // So late it is no echo any more.
    expect(sender.ack(4, 1500)).toEqual([5, 6, 7, 8]);
  });

  it('that was repeated after silence begins anew where the receiver is, three times', () => {
    const sender = new Sender(100, 8);
    sender.send();
    sender.timeout(1000);
    const sent = [1, 2, 3, 4].map((block) => sender.ack(block, 1000 + block)[0]);
    expect(sent).toEqual([2, 3, 4, 12]);
  });
});

describe('silence', () => {
  function deadlines(sender: Sender): number[] {
    const found: number[] = [];
    sender.send();
    while (sender.transfer.state === 'running') {
      found.push(sender.transfer.deadline);
      sender.timeout(sender.transfer.deadline);
    }
    return found;
  }

  it('of who never said a word ends the transfer soon', () => {
    const sender = new Sender(10, 1);
    expect(deadlines(sender)).toEqual([1000, 3000, 7000]);
    expect(sender.transfer).toMatchObject({ state: 'silent', retransmissions: 2 });
  });

  it('of others is borne for longer, with longer and longer pauses', () => {
    const sender = new Sender(10, 1);
    sender.send();
    sender.ack(1);
    expect(deadlines(sender)).toEqual([1000, 3000, 7000, 15000, 23000, 31000]);
  });

  it('is as long as the client wishes', () => {
    const sender = new Sender(10, 1, { timeoutMs: 60_000 });
    sender.send();
    sender.ack(1);
    expect(deadlines(sender)).toEqual([60, 120, 180, 240, 300, 360].map((seconds) => seconds * 1000));
  });

  it('is forgotten with the next block', () => {
    const sender = new Sender(10, 1);
    sender.send();
    expect(sender.timeout(1000)).toEqual([1]);
    expect(sender.ack(1, 2000)).toEqual([2]);
    expect(sender.transfer.deadline).toBe(3000);
    expect(sender.ack(1, 2500)).toEqual([]);
    expect(sender.transfer.deadline).toBe(3000);
  });

  it('is none while the client says something, though it does not go on', () => {
    const sender = new Sender(10, 1);
    sender.send();
    sender.ack(1);
    const pauses: number[] = [];
    for (let count = 0; count < 20; count += 1) {
      const now = sender.transfer.deadline;
      expect(sender.timeout(now)).toEqual([2]);
      sender.ack(1, now);
      pauses.push(sender.transfer.deadline - now);
    }
    expect(pauses.slice(0, 5)).toEqual([2000, 4000, 8000, 8000, 8000]);
    expect(sender.transfer.state).toBe('running');
  });
});
