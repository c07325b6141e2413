/** Notices when files that another program writes have used up a quota. */
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { FileError } from '../system/file-error.ts';
import { measure } from './measure.ts';
import { type Figures, minus, NOTHING } from './quota.ts';
import { REPLACED, type Roots } from './roots.ts';

/** How often the file system is asked what it has left, which costs next to nothing. */
const LOOK_MS = 100;
/** Between two walks, at least, and in lengths of a walk. */
const CALM = { ms: 1000, walks: 20 };
/** The same once the file system has lost, since the last walk, as much as the quota had left. */
const URGENT = { ms: 0, walks: 4 };

/** What live root and uploads may take together, and what the replaced roots. */
export interface Allowed {
  readonly counted: Figures;
  readonly replaced: Figures;
}

function freeOn(directory: string): Figures {
  const { bfree, bsize, ffree } = fs.statfsSync(directory);
  return { bytes: bfree * bsize, files: ffree };
}

function passes(figures: Figures, limits: Figures): boolean {
  return figures.bytes > limits.bytes || figures.files > limits.files;
}

/** What is left; below zero when a sum has passed. @returns undefined when the tree changed too fast for a look */
function roomLeft({ base, replaced }: Roots, allowed: Allowed): Figures | undefined {
  try {
    const beside = minus(allowed.counted, measure(base, [REPLACED]));
    if (!fs.existsSync(replaced)) return beside;
    // An upload could name it too.
    const behind = minus(allowed.replaced, measure(replaced));
    return { bytes: Math.min(beside.bytes, behind.bytes), files: Math.min(beside.files, behind.files) };
  } catch (error) {
    if (error instanceof FileError) return undefined;
    throw error;
  }
}

/** Resolves once more is taken than allowed; rejects with an AbortError when `end` comes before. */
export async function whenFull(roots: Roots, allowed: Allowed, end: AbortSignal): Promise<void> {
  let room = NOTHING;
  let free = freeOn(roots.base);
  let walkMs = 0;
  let walked = Number.NEGATIVE_INFINITY;
  for (;;) {
    const pause = passes(minus(free, freeOn(roots.base)), room) ? URGENT : CALM;
    if (performance.now() >= walked + Math.max(pause.ms, pause.walks * walkMs)) {
      const start = performance.now();
      free = freeOn(roots.base);
      room = roomLeft(roots, allowed) ?? room;
      if (passes(NOTHING, room)) return;
      walked = performance.now();
      walkMs = walked - start;
    }
    await sleep(LOOK_MS, undefined, { signal: end });
  }
}
