/** What a workload is: calls, how many at once, and what is asked of their speed. */
import type { Actor } from './engine.ts';
import type { Operation } from './operations.ts';
import type { Session } from './session.ts';

/** The peer that a target is about: a kind of server, or every one that is there. */
export type PeerKind = 'every' | 'ganesha' | 'unfsd';

export interface Target {
  readonly metric: 'rate' | 'cpu';
  readonly peer: PeerKind;
  /** Ratio of ours to the peer's: at least that for a rate, at most that for CPU per operation. */
  readonly ratio: number;
  readonly goal?: number;
}

/** Items are done by actors side by side, each with one call under way; an item is a chain of calls. */
export interface Phase {
  readonly items: number;
  readonly steps: readonly Operation[];
  /** Sets the actor's handle before the first call on an item. */
  readonly start?: (actor: Actor, session: Session) => void;
  /** Calls under way together; else the workload's. */
  readonly inFlight?: number;
}

export interface Workload {
  readonly name: string;
  readonly title: string;
  readonly connections: number;
  /** Calls under way on all connections together. */
  readonly inFlight: number;
  /** What rates and CPU are counted in; calls if not given. */
  readonly unit?: 'calls' | 'entries';
  /** Done before each run, outside the time. */
  readonly prepare?: readonly Phase[];
  /** Makes a new directory for the run. */
  readonly needsWorkDirectory?: boolean;
  readonly phases: readonly Phase[];
  /** For a server without READDIRPLUS. */
  readonly fallback?: readonly Phase[];
  readonly targets: readonly Target[];
}

const rate = (peer: PeerKind, ratio: number, goal?: number): Target => ({
  metric: 'rate',
  peer,
  ratio,
  ...(goal !== undefined && { goal }),
});

const cpu = (peer: PeerKind, ratio: number, goal?: number): Target => ({
  ...rate(peer, ratio, goal),
  metric: 'cpu',
});

export const atLeast = { rate };
export const atMost = { cpu };
