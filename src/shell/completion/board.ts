/** A board whose commands are to be completed behind `ssh HOST`. */
import type { Place } from './places.ts';

export interface Board {
  /** Tells it from other boards, in the name of a function. */
  readonly name: string;
  /** What stands for it behind ssh. */
  readonly hosts: readonly Host[];
  readonly places: readonly Place[];
}

export interface Host {
  readonly text: string;
  /** Anything may follow, as behind `board@`. */
  readonly isStart: boolean;
}
