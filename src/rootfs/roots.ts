/** Where a user's root file systems lie: one that boards mount, those it has replaced, and saved ones. */
import path from 'node:path';

export interface Roots {
  /** ~/nfsroot/USER: in it file handles stay valid, and uploads arrive. */
  readonly base: string;
  /** What boards mount. */
  readonly live: string;
  /** Roots that gave way to another one, by number, while boards may still run on them; and trees that are made. */
  readonly replaced: string;
  /** Saved roots by name: out of reach of boards and of rsync. */
  readonly saved: string;
}

/** Its name in the base. */
export const REPLACED = '.replaced';

/** @param base ~/nfsroot/USER; its neighbours begin with a dot, which no user's name does */
export function rootsOf(base: string): Roots {
  return {
    base,
    live: path.join(base, 'root'),
    replaced: path.join(base, REPLACED),
    saved: path.join(path.dirname(base), '.saved', path.basename(base)),
  };
}
