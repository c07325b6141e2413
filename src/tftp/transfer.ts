/**
 * One transfer as a state machine: what to send next, what an acknowledgment means, when to send again. Knows neither
 * sockets nor clocks nor files. Blocks are counted from 1 without an end here, and modulo 65536 on the wire.
 */

/** The longest wait before something is sent again, unless the client asked for a longer one. */
const MAX_INTERVAL_MS = 8000;
/** RFC 1123 §4.2.3.2: intervals grow exponentially. 31 s of silence in sum with the usual timeout. */
const MAX_TIMEOUTS = 6;
/** Until its first answer the client may be somebody else who was named as the sender: 7 s. */
const MAX_TIMEOUTS_UNANSWERED = 3;
/** For so long after blocks were sent again, acknowledgments may be echoes: half of the shortest timeout of RFC 2349. */
const ECHO_MS = 500;
/**
 * We believe so many doubtful acknowledgments in a row. With 1, a receiver that loses the end of each window waits twice
 * for each. 3 ended all repetitions in simulations; with 2 or 4, two copies of a window took turns for ever.
 */
const MAX_DOUBTS = 3;
const LAST_NUMBER = 0xffff;

export interface TransferOptions {
  readonly windowsize: number;
  readonly timeoutMs: number;
  /** Begins with an OACK, which the client acknowledges as block 0. RFC 2347 */
  readonly hasOptions: boolean;
}

export type State = 'running' | 'complete' | 'silent';

export class Transfer {
  state: State = 'running';
  /** The client has said something: it is there. */
  isAnswered = false;
  /** The OACK is to be sent now. */
  owesOptions: boolean;
  /** The last block that the client has, with all before it. */
  acknowledged = 0;
  /** Packets that were sent again. */
  retransmissions = 0;
  /** When something has to be sent again: milliseconds on the caller's clock. */
  deadline: number;

  private readonly windowsize: number;
  private readonly timeoutMs: number;
  private awaitsOptions: boolean;
  private optionsSent = false;
  private cursor = 1;
  /** The highest block that was ever sent. */
  private highest = 0;
  /** The one that ends the transfer, as soon as that is known. */
  private last = Number.POSITIVE_INFINITY;
  /** Since the client went on, and since it said anything at all. */
  private timeouts = 0;
  private unheard = 0;
  /** When blocks were sent again last, and the highest block at that time: up to it all may come twice. */
  private repeatedAt = Number.NEGATIVE_INFINITY;
  private repeated = 0;
  /** How many acknowledgments in a row, since the last silence, were within that. */
  private doubts = 0;

  constructor({ windowsize, timeoutMs, hasOptions }: TransferOptions, now: number) {
    this.windowsize = windowsize;
    this.timeoutMs = timeoutMs;
    this.awaitsOptions = hasOptions;
    this.owesOptions = hasOptions;
    this.deadline = now + timeoutMs;
  }

  /** The first block of those to be sent now. */
  get next(): number {
    return this.cursor;
  }

  /** How many they are. */
  get room(): number {
    if (this.state !== 'running' || this.awaitsOptions) return 0;
    return Math.min(this.acknowledged + this.windowsize, this.last) - this.cursor + 1;
  }

  /** The first `count` of them are sent. @param isLast the last of these ends the transfer */
  sent(count: number, isLast: boolean): void {
    this.retransmissions += Math.min(count, this.highest - this.cursor + 1);
    this.cursor += count;
    this.highest = Math.max(this.highest, this.cursor - 1);
    if (isLast) this.last = this.cursor - 1;
  }

  /** What `owesOptions` asks for is sent. */
  sentOptions(): void {
    if (this.optionsSent) this.retransmissions += 1;
    this.optionsSent = true;
    this.owesOptions = false;
  }

  /** An ACK came, with its 16-bit number. */
  acknowledge(number: number, now: number): void {
    if (this.state !== 'running') return;
    this.unheard = 0;
    if (this.awaitsOptions) {
      if (number === 0) this.optionsAccepted(now);
      return;
    }
    const ahead = (number - this.acknowledged) & LAST_NUMBER;
    if (ahead === 0) this.acknowledgedAgain(now);
    else if (ahead <= this.highest - this.acknowledged) this.progress(ahead, now);
    // Anything else was late, or is about blocks that were never sent.
  }

  /** The deadline is over. */
  timeout(now: number): void {
    if (this.state !== 'running') return;
    this.timeouts += 1;
    this.unheard += 1;
    const most = this.isAnswered ? MAX_TIMEOUTS : MAX_TIMEOUTS_UNANSWERED;
    if (this.unheard >= most) {
      this.state = 'silent';
      return;
    }
    this.owesOptions = this.awaitsOptions;
    this.goBack(now);
    this.doubts = 0;
    const longest = Math.max(MAX_INTERVAL_MS, this.timeoutMs);
    this.deadline = now + Math.min(this.timeoutMs * 2 ** this.timeouts, longest);
  }

  private optionsAccepted(now: number): void {
    this.awaitsOptions = false;
    this.heard(now);
  }

  /**
   * RFC 7440 §4: what follows the block that a receiver acknowledges was lost, also within a window. But one that gets
   * blocks twice may say so for the first of them, with the rest on its way: if we always went back, every block would
   * go twice from then on.
   */
  private progress(blocks: number, now: number): void {
    this.acknowledged += blocks;
    this.doubts = this.acknowledged <= this.repeated ? this.doubts + 1 : 0;
    if (this.acknowledged < this.highest && this.doubts <= MAX_DOUBTS) this.goBack(now);
    this.cursor = Math.max(this.cursor, this.acknowledged + 1);
    this.heard(now);
    if (this.acknowledged === this.last) this.state = 'complete';
  }

  /**
   * RFC 1123 §4.2.3.1: a repeated acknowledgment never makes us send a block again, or each packet from then on would
   * be sent twice ("sorcerer's apprentice"). With windows it may say that the first block of one was lost. That counts
   * where it is no echo: some receivers acknowledge each block that they have already.
   */
  private acknowledgedAgain(now: number): void {
    const isEcho = this.acknowledged <= this.repeated && now < this.repeatedAt + ECHO_MS;
    if (this.windowsize === 1 || isEcho || this.highest === this.acknowledged) return;
    this.goBack(now);
    this.heard(now);
  }

  private goBack(now: number): void {
    this.cursor = this.acknowledged + 1;
    this.repeatedAt = now;
    this.repeated = this.highest;
  }

  private heard(now: number): void {
    this.isAnswered = true;
    this.timeouts = 0;
    this.deadline = now + this.timeoutMs;
  }
}
