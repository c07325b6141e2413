/** What clients may cost, each and together. Times in milliseconds. */
export interface Bounds {
  /** When there are more, the one is closed that was silent for longest. */
  readonly connections: number;
  /** Buffers for records that do not fit into a connection's own: 1 MiB each. */
  readonly largeBuffers: number;
  /** Calls of a connection that go on later. */
  readonly runningCalls: number;
  /** Bytes of replies that a client does not read: it is not served any further. */
  readonly unsent: number;
  /** The same of all clients together: whoever reads nothing gets nothing more. */
  readonly unsentOfAll: number;
  /** At that, whoever reads nothing for longest is thrown out. */
  readonly mostUnsentOfAll: number;
  /** A record that has begun must go on: so long without 64 KiB of it, and the connection is closed. */
  readonly stuck: number;
  /** The same while other connections wait for its large buffer. */
  readonly stuckAndWanted: number;
  /** A connection without a sign of life is closed. Linux's client closes its own after 5 minutes. */
  readonly silent: number;
  /** How often these times are looked at. */
  readonly sweep: number;
}

const MIB = 1024 * 1024;

export const BOUNDS: Bounds = {
  connections: 1000,
  largeBuffers: 31,
  runningCalls: 256,
  unsent: 2 * MIB,
  unsentOfAll: 8 * MIB,
  mostUnsentOfAll: 24 * MIB,
  stuck: 60_000,
  stuckAndWanted: 10_000,
  silent: 6 * 60_000,
  sweep: 2_000,
};
