/** What the server counts, for `nfs status`. */

export interface Counter {
  count: number;
  /** Of all calls together, from what brought them to their replies. Those that are put off count from their new start. */
  milliseconds: number;
}

export interface ClientStatistics {
  readonly address: string;
  connections: number;
  calls: number;
  /** Milliseconds, as performance.now() has them. */
  lastCallAt: number;
  /** The same of its last call by UDP, where no connection tells that it is there; 0 for none. */
  lastDatagramAt: number;
}

const MAX_CLIENTS = 1000;

export class Statistics {
  connections = 0;
  bytesRead = 0;
  bytesWritten = 0;
  /** Calls that reached no procedure, or whose procedure did not come to an end. */
  rpcErrors = 0;
  duplicateReplies = 0;
  /** Of the last connection or call of any client. Milliseconds, as performance.now() has them. */
  lastActiveAt = performance.now();
  /** When the call that is served now began: when it arrived, or when the one before it ended. */
  clock = this.lastActiveAt;

  private readonly calls = new Map<string, Counter>();
  private readonly failures = new Map<string, number>();
  private readonly known = new Map<string, ClientStatistics>();

  /** The counter of a procedure, to be counted on by whoever asks for it. */
  operation(name: string): Counter {
    const counter = this.calls.get(name) ?? { count: 0, milliseconds: 0 };
    this.calls.set(name, counter);
    return counter;
  }

  /** The call that is served now has its reply. One reading of the clock is the end of it and the begin of the next. */
  ended(calls: Counter): void {
    const now = performance.now();
    calls.milliseconds += now - this.clock;
    this.clock = now;
  }

  /** A procedure answered with this status. */
  failed(status: string): void {
    this.failures.set(status, (this.failures.get(status) ?? 0) + 1);
  }

  /** The numbers of one client. Those of clients that are gone are forgotten when there are too many. */
  client(address: string): ClientStatistics {
    let client = this.known.get(address);
    if (client === undefined) {
      if (this.known.size >= MAX_CLIENTS) this.forgetOne();
      client = { address, connections: 0, calls: 0, lastCallAt: 0, lastDatagramAt: 0 };
      this.known.set(address, client);
    }
    return client;
  }

  clients(): readonly ClientStatistics[] {
    return [...this.known.values()];
  }

  /** Calls by the name of their procedure, those that there were. */
  operations(): Record<string, number> {
    return this.figures(({ count }) => count);
  }

  /** Seconds that the calls took together, likewise. */
  operationSeconds(): Record<string, number> {
    return this.figures(({ milliseconds }) => Number((milliseconds / 1000).toFixed(6)));
  }

  /** Answers by their status. */
  errors(): Record<string, number> {
    return Object.fromEntries(this.failures);
  }

  private figures(figure: (calls: Counter) => number): Record<string, number> {
    const called = [...this.calls].filter(([, { count }]) => count > 0);
    return Object.fromEntries(called.map(([name, calls]) => [name, figure(calls)]));
  }

  private forgetOne(): void {
    for (const { address, connections } of this.known.values()) {
      if (connections > 0) continue;
      this.known.delete(address);
      return;
    }
  }
}
