/** How much one client, and all of them together, may ask for. What is over a limit gets no answer. */

/** Requests of one address: a boot ROM asks for dozens of files that are not there. */
const CLIENT_BURST = 400;
const CLIENT_PER_SECOND = 100;
/** Forged addresses use it up. It is what the server can answer with less than half a processor. */
const TOTAL_BURST = 10_000;
const TOTAL_PER_SECOND = 5000;
/** Addresses that are remembered. */
const MAX_CLIENTS = 4096;

/** So many at once, and so many a second after that. */
class Bucket {
  private readonly burst: number;
  private readonly perSecond: number;
  private tokens: number;
  private filledAt: number;

  constructor(burst: number, perSecond: number, now: number) {
    this.burst = burst;
    this.perSecond = perSecond;
    this.tokens = burst;
    this.filledAt = now;
  }

  take(now: number): boolean {
    this.tokens = Math.min(this.burst, this.tokens + ((now - this.filledAt) / 1000) * this.perSecond);
    this.filledAt = now;
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }
}

export class RequestLimit {
  private readonly clients = new Map<string, Bucket>();
  private readonly total: Bucket;

  constructor(now: number) {
    this.total = new Bucket(TOTAL_BURST, TOTAL_PER_SECOND, now);
  }

  /**
   * Whether a packet that may need an answer gets one.
   *
   * @param now milliseconds on any clock
   */
  allows(address: string, now: number): boolean {
    const known = this.clients.get(address);
    const client = known ?? new Bucket(CLIENT_BURST, CLIENT_PER_SECOND, now);
    // The last in the map is the one that was seen last.
    this.clients.delete(address);
    this.clients.set(address, client);
    if (known === undefined && this.clients.size > MAX_CLIENTS) {
      const [oldest = ''] = this.clients.keys();
      this.clients.delete(oldest);
    }
    return client.take(now) && this.total.take(now);
  }
}
